// The entry of the single executable. It loads src/main.ts in the pieces that scripts/build.ts made: each command's
// code is apart from that of the others, and comes with V8's bytecode, so that nothing is compiled at run time.

import { getRawAsset } from 'node:sea';
import { Script } from 'node:vm';

type Piece = (require: (name: string) => unknown, exports: object) => void;
type Pieces = Readonly<Record<string, Piece>>;

/** The file, an asset, that each piece is in. */
declare const TSOCI_FILE_OF: Readonly<Record<string, string>>;

const loaded = new Map<string, object>();
const files = new Map<string, Pieces>();

/** CommonJS's require: a piece by its name, run once; or a module of Node. */
function load(name: string): unknown {
  const file = TSOCI_FILE_OF[name];
  if (file === undefined) return require(name);
  const known = loaded.get(name);
  if (known) return known;
  const exports = {};
  loaded.set(name, exports);
  piecesOf(file)[name]?.(load, exports);
  return exports;
}

function piecesOf(filename: string): Pieces {
  const known = files.get(filename);
  if (known) return known;
  const source = Buffer.from(getRawAsset(filename)).toString('latin1');
  const cachedData = new Uint8Array(getRawAsset(`${filename}.cache`));
  const pieces = new Script(source, { filename, cachedData }).runInThisContext() as Pieces;
  files.set(filename, pieces);
  return pieces;
}

load('./main.js');
