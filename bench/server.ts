// `tsoci serve` in a place where commands are measured.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { allPids, processStat } from '../src/linux/procfs.ts';
import { pause } from '../src/linux/sleep.ts';
import type { Place } from './view.ts';

/** Where the server of root has its socket. */
export const SERVER_DIRECTORY = '/run/tsoci-serve';

/** Of times in proc_pid_stat(5): sysconf(_SC_CLK_TCK). */
const TICKS = 100;

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

/** Seconds of processors that they have used, their threads included. */
export function cpuOf(workers: readonly number[]): number {
  // proc_pid_stat(5), counted from field 3, the state: 14 and 15 are the time.
  const ticks = workers.map(statOf).map((fields) => Number(fields[11] ?? 0) + Number(fields[12] ?? 0));
  return ticks.reduce((sum, of) => sum + of, 0) / TICKS;
}

function childrenOf({ pid }: ChildProcess): number[] {
  return allPids().filter((child) => processStat(child)?.parent === pid);
}

function statOf(pid: number): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}
