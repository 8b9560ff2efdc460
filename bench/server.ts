// `tsoci serve` in a place where commands are measured.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
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
    prefix: place.prefix,
    isServed: true,
    cpuOfServer: () => cpuOfChildren(server),
    [Symbol.dispose]: () => server.kill('SIGTERM'),
  };
}

/** Of the workers, which are its children, their threads included. */
function cpuOfChildren({ pid }: ChildProcess): number {
  let ticks = 0;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const fields = statOf(name);
    // proc_pid_stat(5), counted from field 3, the state: field 4 is the parent, 14 and 15 are its time.
    if (Number(fields[1]) === pid) ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / TICKS;
}

function statOf(pid: string): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}
