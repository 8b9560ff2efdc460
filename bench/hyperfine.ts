// Wall and processor time of commands, by hyperfine.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cpuOf } from './processor-time.ts';
import type { Place } from './view.ts';

export interface Timing {
  /** Median wall time, in seconds. */
  wall: number;
  /** Half the distance between the quartiles of the wall time, in seconds. */
  spread: number;
  /**
   * Mean user and system time of the command, all it waited for, and the server that has served it, in seconds; undefined
   * where the server has served what prepared the command, too.
   */
  cpu: number | undefined;
}

export interface Command {
  words: readonly string[];
  /** Goes before each run, and is not timed. */
  prepare?: readonly string[] | undefined;
  /** Goes behind all runs. */
  cleanUp?: readonly string[] | undefined;
  place: Place;
  env?: Readonly<Record<string, string>>;
}

interface Export {
  results: { times: number[]; user: number; system: number }[];
}

/**
 * Times the commands (by name) in turns, so that a change of the machine's mood strikes all alike: `rounds` rounds of
 * `runs` runs each.
 */
export function timeInTurns(
  commands: ReadonlyMap<string, Command>,
  rounds: number,
  runs: number,
  work: string,
): Map<string, Timing> {
  const times = new Map<string, number[]>();
  const cpu = new Map<string, number[]>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, command] of commands) {
      const before = cpuOf(command.place.workers());
      const result = time(command, runs, work);
      const served = (cpuOf(command.place.workers()) - before) / (runs + warmups(runs));
      times.set(name, [...(times.get(name) ?? []), ...result.times]);
      cpu.set(name, [...(cpu.get(name) ?? []), result.user + result.system + served]);
    }
  }
  return new Map(
    [...times].map(([name, all]) => {
      const { prepare, place } = commands.get(name) ?? {};
      return [name, summary(all, prepare && place?.isServed ? undefined : cpu.get(name))];
    }),
  );
}

function warmups(runs: number): number {
  return runs > 2 ? 1 : 0;
}

function time({ words, prepare, cleanUp, place, env }: Command, runs: number, work: string) {
  const file = join(work, 'hyperfine.json');
  const options = [
    '--shell=none',
    '--style=none',
    `--warmup=${warmups(runs)}`,
    `--runs=${runs}`,
    `--export-json=${file}`,
    ...(prepare ? ['--prepare', quoted(prepare)] : []),
    ...(cleanUp ? ['--cleanup', quoted(cleanUp)] : []),
  ];
  const command = quoted(words);
  const [program = '', ...args] = [...place.prefix, 'hyperfine', ...options, command];
  const { status, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    timeout: 600_000,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const result = status === 0 ? (JSON.parse(readFileSync(file, 'utf8')) as Export).results[0] : undefined;
  if (!result) throw new Error(`hyperfine ${command}: ${stderr}`);
  return result;
}

function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
}

export function summary(times: readonly number[], cpu: readonly number[] | undefined): Timing {
  const sorted = times.toSorted((a, b) => a - b);
  return {
    wall: quantile(sorted, 0.5),
    spread: (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / 2,
    cpu: cpu && cpu.reduce((sum, value) => sum + value, 0) / cpu.length,
  };
}

/** Of sorted values: between the two nearest, as most statistics programs do. */
export function quantile(sorted: readonly number[], fraction: number): number {
  const position = (sorted.length - 1) * fraction;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}
