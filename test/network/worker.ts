// Attaches and detaches containers when told so, one after another: `attach` or `detach` on standard input, and `done` or
// an error on standard output. Several of these at once contend as hooks of several containers do.
//
//   node worker.ts DIRECTORY STATES

import { createInterface } from 'node:readline';
import { attach } from '../../src/network/attach.ts';
import { detach } from '../../src/network/detach.ts';
import type { HookState } from '../../src/network/hook-state.ts';
import { parseSettings, readOptions } from '../../src/network/network-options.ts';
import { testCaller } from '../launcher/driven.ts';

const [directory = '', states = ''] = process.argv.slice(2);
const options = readOptions(parseSettings('subnet=10.89.0.0/24,masquerade'));

for await (const action of createInterface({ input: process.stdin })) {
  try {
    for (const state of JSON.parse(states) as HookState[])
      if (action === 'attach') attach(testCaller(), state, options, directory);
      else detach(state, options, directory);
    console.log('done');
  } catch (error) {
    console.log((error as Error).message);
  }
}
