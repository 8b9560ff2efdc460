// `tsoci serve` in a place where commands are measured.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { allPids, processStat } from '../src/linux/procfs.ts';
import { pause } from '../src/linux/sleep.ts';
import type { Place } from './view.ts';

/** Where the server of root has its socket. */
export const SERVER_DIRECTORY = '/run/tsoci-serve';

/** A server in a place, and that place with it. */
export function startServer(place: Place, tsoci: string): Place {
  const [program = '', ...words] = [...place.prefix, tsoci, 'serve'];
  const server = spawn(program, words, { stdio: ['ignore', 'ignore', 'inherit'] });
  const [test = '', ...socket] = [...place.prefix, 'test', '-S', `${SERVER_DIRECTORY}/socket`];
  for (let tries = 100; spawnSync(test, socket).status !== 0; tries--) {
    if (tries === 0) throw new Error('tsoci serve does not listen');
    pause(50);
  }
  return {
    ...place,
    isServed: true,
    workers: () => childrenOf(server),
    [Symbol.dispose]: () => server.kill('SIGTERM'),
  };
}

function childrenOf({ pid }: ChildProcess): number[] {
  return allPids().filter((child) => processStat(child)?.parent === pid);
}
