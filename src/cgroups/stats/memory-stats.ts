// Memory statistics in runc's shape.

import { type Pressure, readPressure } from './pressure.ts';
import { type Count, count, NO_LIMIT, readKeyed, readNumber } from './stat-values.ts';

export interface MemoryEntry {
  limit: Count;
  usage?: Count;
  /** The highest usage so far. */
  max?: Count;
  /** How often the limit was hit. */
  failcnt: Count;
}

export interface MemoryStats {
  /** The page cache. */
  cache?: Count;
  usage?: MemoryEntry;
  /** Memory and swap together, as cgroup v1 counts. */
  swap?: MemoryEntry;
  kernel?: MemoryEntry;
  kernelTCP?: MemoryEntry;
  /** memory.stat. */
  raw?: Record<string, Count>;
  psi?: Pressure;
}

export function memoryStats(directory: string): MemoryStats {
  const psi = readPressure(directory, 'memory.pressure');
  const stat = readKeyed(directory, 'memory.stat');
  const usage = readNumber(directory, 'memory.current');
  if (!stat || usage === undefined) return psi ? { psi } : {};
  const limit = readNumber(directory, 'memory.max') ?? NO_LIMIT;
  const peak = readNumber(directory, 'memory.peak'); // Linux 5.19
  const swap = swapEntry(directory, usage, limit);
  const kernel = stat.get('kernel'); // Linux 5.18
  return {
    cache: count(stat.get('file') ?? 0n),
    usage: {
      limit: count(limit),
      usage: count(usage),
      ...(peak === undefined ? {} : { max: count(peak) }),
      failcnt: timesAtLimit(directory, 'memory.events'),
    },
    ...(swap ? { swap } : {}),
    ...(kernel === undefined ? {} : { kernel: unlimited(kernel) }),
    kernelTCP: unlimited(stat.get('sock') ?? 0n),
    raw: Object.fromEntries([...stat].map(([key, value]) => [key, count(value)])),
    ...(psi ? { psi } : {}),
  };
}

function swapEntry(directory: string, memoryUsage: bigint, memoryLimit: bigint): MemoryEntry | undefined {
  const usage = readNumber(directory, 'memory.swap.current');
  const limit = readNumber(directory, 'memory.swap.max');
  if (usage === undefined || limit === undefined) return undefined;
  const none = limit === NO_LIMIT || memoryLimit === NO_LIMIT;
  return {
    limit: count(none ? NO_LIMIT : limit + memoryLimit),
    usage: count(usage + memoryUsage),
    failcnt: timesAtLimit(directory, 'memory.swap.events'),
  };
}

/** What cgroup v2 counts and does not limit on its own. */
function unlimited(usage: bigint): MemoryEntry {
  return { limit: count(NO_LIMIT), usage: count(usage), failcnt: 0 };
}

function timesAtLimit(directory: string, file: string): Count {
  return count(readKeyed(directory, file)?.get('max') ?? 0n);
}
