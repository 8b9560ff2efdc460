// The entry of the single executable. It loads src/main.ts in the pieces that scripts/build.ts made: each command's
// code is apart from that of the others, and comes with V8's bytecode, so that nothing is compiled at run time.

import { getRawAsset } from 'node:sea';
import { Script } from 'node:vm';

type Piece = (require: (name: string) => unknown, module: { exports: unknown }, exports: unknown) => void;

const loaded = new Map<string, { exports: unknown }>();

/** CommonJS's require: a piece by its file name, once; or a module of Node. */
function load(name: string): unknown {
  if (!name.startsWith('./')) return require(name);
  const known = loaded.get(name);
  if (known) return known.exports;
  const module = { exports: {} };
  loaded.set(name, module);
  const filename = name.slice('./'.length);
  const source = Buffer.from(getRawAsset(filename)).toString('latin1');
  const cachedData = new Uint8Array(getRawAsset(`${filename}.cache`));
  const piece = new Script(source, { filename, cachedData }).runInThisContext() as Piece;
  piece(load, module, module.exports);
  return module.exports;
}

load('./main.js');
