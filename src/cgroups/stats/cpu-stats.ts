// CPU statistics in runc's shape: nanoseconds, where cgroup v2 counts microseconds.

import { tryReadCgroupFile } from '../cgroup-files.ts';
import { parseList } from '../resources/cpuset.ts';
import { type Pressure, readPressure } from './pressure.ts';
import { type Count, count, readKeyed } from './stat-values.ts';

export interface CpuStats {
  usage: { total: Count; kernel: Count; user: Count };
  /** Periods of the quota, those in which it was used up, and the time waited then. */
  throttling: { periods?: Count; throttledPeriods?: Count; throttledTime?: Count };
  psi?: Pressure;
}

const NS_PER_US = 1000n;

/** cpu.stat has the times without the cpu controller too; throttling is there only with it. */
export function cpuStats(directory: string): CpuStats {
  const stat = readKeyed(directory, 'cpu.stat');
  const nanoseconds = (key: string) => count((stat?.get(key) ?? 0n) * NS_PER_US);
  const psi = readPressure(directory, 'cpu.pressure');
  return {
    usage: {
      total: nanoseconds('usage_usec'),
      kernel: nanoseconds('system_usec'),
      user: nanoseconds('user_usec'),
    },
    throttling: stat?.has('nr_periods')
      ? {
          periods: count(stat.get('nr_periods') ?? 0n),
          throttledPeriods: count(stat.get('nr_throttled') ?? 0n),
          throttledTime: nanoseconds('throttled_usec'),
        }
      : {},
    ...(psi ? { psi } : {}),
  };
}

export interface CpusetStats {
  cpus?: number[];
  mems?: number[];
}

/** What the cgroup may use in the end, which the cgroups above it limit too. */
export function cpusetStats(directory: string): CpusetStats {
  const cpus = list(directory, 'cpuset.cpus.effective');
  const mems = list(directory, 'cpuset.mems.effective');
  return { ...(cpus ? { cpus } : {}), ...(mems ? { mems } : {}) };
}

function list(directory: string, file: string): number[] | undefined {
  const numbers = parseList(tryReadCgroupFile(directory, file) ?? '');
  return numbers && numbers.size > 0 ? [...numbers] : undefined;
}
