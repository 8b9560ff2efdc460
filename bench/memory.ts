// Memory: what waits in a created container, and the most that each command has held.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { invoke, launch, type Runtime } from './runtimes.ts';
import type { Bundles } from './tasks.ts';
import type { View } from './view.ts';

/** In KiB. */
export interface Memory {
  /** Resident in the init that waits for start (proc_pid_smaps_rollup: Rss). */
  init: number;
  /** Of that, its share when shared pages are divided among those who share them (Pss). */
  share: number;
  /** The largest resident set of a process of the command (getrusage(2): ru_maxrss), by command. */
  peak: Map<string, number>;
}

/** A container's life, with the resident sets met on the way. */
export function measureMemory(runtime: Runtime, view: View, bundles: Bundles, work: string): Memory {
  const id = 'memory';
  const peak = new Map<string, number>();
  const measured = (command: string, ...args: string[]) => {
    const file = join(work, 'maxrss');
    const timed = { ...runtime, words: ['/usr/bin/time', '-f', '%M', '-o', file, ...runtime.words] };
    launch(timed, view, command, ...args);
    peak.set(command, Number(readFileSync(file, 'utf8')));
  };
  measured('create', '--bundle', bundles.sleep, id);
  const { pid } = JSON.parse(invoke(runtime, view, 'state', id).stdout) as { pid: number };
  const init = residentSet(pid);
  measured('start', id);
  measured('state', id);
  measured('exec', id, '/bin/true');
  measured('delete', '--force', id);
  measured('run', '--bundle', bundles.true, id);
  return { ...init, peak };
}

function residentSet(pid: number): { init: number; share: number } {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const field = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(text)?.[1]);
  return { init: field('Rss'), share: field('Pss') };
}
