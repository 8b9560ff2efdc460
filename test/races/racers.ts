// The processes that exchange names (exchanger.ts).

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Pair } from './exchanger.ts';

/** How many there are at once. */
const RACERS = 2;

export async function startRacers(pairs: readonly Pair[]): Promise<ChildProcess[]> {
  const words = [join(import.meta.dirname, 'exchanger.ts'), JSON.stringify(pairs)];
  const racers = Array.from({ length: RACERS }, () =>
    spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] }),
  );
  await Promise.all(racers.map(({ stdout }) => once(stdout, 'data')));
  return racers;
}

/** One that has ended by itself has told why. */
export async function stopRacers(racers: readonly ChildProcess[]): Promise<void> {
  for (const racer of racers) {
    if (racer.exitCode !== null) throw new Error('a process that exchanges names has failed');
    const ended = once(racer, 'exit');
    racer.kill('SIGKILL');
    await ended;
  }
}
