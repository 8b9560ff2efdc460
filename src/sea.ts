// The entry of the single executable. It runs when that is built: what the commands that engines wait for need is loaded
// then, compiled, and every start begins with the heap of that moment (Node's startup snapshot). Each of the other
// pieces that scripts/build.ts made of src/main.ts is an asset, compiled when it is needed: V8 takes no bytecode that was
// made beside another heap.

import { readFileSync } from 'node:fs';
import { getRawAsset } from 'node:sea';
import { Script } from 'node:vm';
// node:v8 has the same, but would bring Node's streams into each start.
import { namespace as startupSnapshot } from 'internal/v8/startup_snapshot';

type Piece = (require: (name: string) => unknown, exports: object) => void;

const MAIN = 'main.js';
const loaded = new Map<string, object>();
/** Those that are loaded beforehand, by name. */
const hot = loadHot();

/** CommonJS's require: a piece by its name, run once; or a module of Node. */
function load(path: string): unknown {
  if (!path.startsWith('./')) return require(path);
  const name = path.slice(2);
  const known = loaded.get(name);
  if (known) return known;
  const exports = {};
  loaded.set(name, exports);
  const piece = hot[name] ?? coldPiece(name);
  piece(load, exports);
  return exports;
}

function coldPiece(filename: string): Piece {
  const source = Buffer.from(getRawAsset(filename)).toString('latin1');
  return new Script(source, { filename }).runInThisContext();
}

function loadHot(): Readonly<Record<string, Piece>> {
  const source = readFileSync(process.env.TSOCI_HOT ?? '', 'latin1');
  return new Script(source, { filename: 'hot.js' }).runInThisContext();
}

for (const name of Object.keys(hot)) if (name !== MAIN) load(`./${name}`);
startupSnapshot.setDeserializeMainFunction(() => load(`./${MAIN}`));
