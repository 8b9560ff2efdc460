// The entry of the single executable. It runs when that is built: what the commands that engines wait for need is loaded
// then, compiled, and every start begins with the heap of that moment (Node's startup snapshot). Each of the other
// pieces that scripts/build.ts made of src/main.ts is an asset, compiled when it is needed: V8 takes no bytecode that was
// made beside another heap.

import { readFileSync } from 'node:fs';
import { getRawAsset } from 'node:sea';
import { Script } from 'node:vm';
import { refreshOptions } from 'internal/options';
import { internalBinding } from 'internal/test/binding';
import { runDeserializeCallbacks } from 'internal/v8/startup_snapshot';
import { compileAll, flushBytecode } from './bytecode.ts';
import type * as rehearsal from './rehearsal.ts';

type Piece = (require: (name: string) => unknown, exports: object) => void;

const MAIN = 'main.js';
const loaded = new Map<string, object>();
/** Those that have come, but have not been run. */
let hot: Record<string, Piece> = {};

/** CommonJS's require: a piece by its name, run once; or a module of Node. */
function load(path: string): unknown {
  if (!path.startsWith('./')) return require(path);
  const name = path.slice(2);
  const known = loaded.get(name);
  if (known) return known;
  const exports = {};
  loaded.set(name, exports);
  const piece = hot[name] ?? coldPiece(name);
  delete hot[name];
  piece(load, exports);
  return exports;
}

function coldPiece(filename: string): Piece {
  const source = Buffer.from(getRawAsset(filename)).toString('latin1');
  return new Script(source, { filename }).runInThisContext();
}

/** The pieces of a file that the build has made. */
function take(file: string): string[] {
  const source = readFileSync(`${process.env.TSOCI_BUILD}/${file}`, 'latin1');
  hot = new Script(source, { filename: file }).runInThisContext() as typeof hot;
  return Object.keys(hot);
}

// Node's modules have come with all their bytecode. Of them and of the validators only what the rehearsal calls has it.
take('rehearsal.js');
const { rehearse } = load('./rehearsal.js') as typeof rehearsal;
flushBytecode();
rehearse(`${process.env.TSOCI_BUILD}/rehearsal`);
loaded.delete('rehearsal.js');
compileAll();
for (const name of take('hot.js')) if (name !== MAIN) load(`./${name}`);
internalBinding('mksnapshot').setDeserializeMainFunction(start);

const { patchProcessObject } = internalBinding('process_methods');

/**
 * What Node does at a start (lib/internal/process/pre_execution.js), less what is for programs in files, for debuggers
 * and for what the caller's environment may ask of Node: NODE_DEBUG, NODE_CHANNEL_FD and the like are not meant for us.
 */
function start(): void {
  refreshOptions();
  patchProcessObject(process);
  process.exitCode = undefined;
  runDeserializeCallbacks();
  load(`./${MAIN}`);
}
