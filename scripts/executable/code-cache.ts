// Compiles scripts and writes V8's bytecode of each beside it: `node OPTIONS code-cache.ts SCRIPT...`.
//
// It must run in the Node, and with the options, in which the bytecode is to be used: V8 rejects that of any other.

import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';

for (const path of process.argv.slice(2)) {
  const source = readFileSync(path, 'latin1');
  const filename = basename(path);
  // Of a script as V8 compiles it by itself, the bytecode lacks every function that has not run yet.
  setFlagsFromString('--no-lazy');
  const script = new Script(source, { filename });
  setFlagsFromString('--lazy');
  const cachedData = script.createCachedData();
  if (new Script(source, { filename, cachedData }).cachedDataRejected)
    throw new Error(`${path}: V8 does not take its own bytecode`);
  writeFileSync(`${path}.cache`, cachedData);
}
