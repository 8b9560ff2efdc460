// What is looked at every now and then.

import { readdirSync } from 'node:fs';
import { tryRead } from '../../src/linux/files.ts';
import { quantile } from '../hyperfine.ts';
import type { Place } from '../view.ts';

/** How long callers have waited since the sample before, in milliseconds. */
export interface Waits {
  median: number;
  /** One in a hundred waited longer. */
  longest: number;
}

export const heldThings = [
  'memory of a worker',
  'descriptors of a worker',
  'memory of the kernel',
  'keys',
  'mounts',
  'cgroups',
  'threads',
] as const;
export type Held = Record<(typeof heldThings)[number], number>;

export interface Sample {
  /** Lives, containers or probes so far. */
  done: number;
  /** By command. */
  waits: ReadonlyMap<string, Waits>;
  held: Held;
}

/** Memory in KiB. What a worker holds is that of the worker that holds most, 0 without a server. */
export function observe(place: Place): Held {
  const workers = place.workers();
  return {
    'memory of a worker': Math.max(0, ...workers.map(residentSet)),
    'descriptors of a worker': Math.max(0, ...workers.map(countDescriptors)),
    'memory of the kernel': kernelMemory(),
    // root's, keyrings among them: field nkeys of /proc/key-users (keyrings(7)).
    keys: Number(/^ *0: +\d+ (\d+)\//m.exec(read('/proc/key-users'))?.[1]),
    mounts: read(`/proc/${place.holder}/mountinfo`).split('\n').length,
    cgroups: countCgroups(),
    // Field 4 of /proc/loadavg.
    threads: Number(/\/(\d+) /.exec(read('/proc/loadavg'))?.[1]),
  };
}

export function summarize(times: readonly number[]): Waits {
  const sorted = times.toSorted((a, b) => a - b);
  return { median: quantile(sorted, 0.5), longest: quantile(sorted, 0.99) };
}

function residentSet(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
}

function countDescriptors(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
}

/** proc_meminfo(5). */
function kernelMemory(): number {
  const lines = read('/proc/meminfo').matchAll(/^(?:Slab|PageTables|KernelStack|Percpu):\s+(\d+)/gm);
  return [...lines].reduce((sum, [, kibibytes]) => sum + Number(kibibytes), 0);
}

/** Of all hierarchies, with those that are removed but not yet gone (cgroups(7): num_cgroups). */
function countCgroups(): number {
  const hierarchies = new Map<string, number>();
  for (const [, hierarchy = '', count] of read('/proc/cgroups').matchAll(/^\w+\t(\d+)\t(\d+)\t/gm))
    hierarchies.set(hierarchy, Number(count));
  return [...hierarchies.values()].reduce((sum, count) => sum + count, 0);
}

/** Empty for a process that has ended meanwhile. */
function read(path: string): string {
  return tryRead(path) ?? '';
}
