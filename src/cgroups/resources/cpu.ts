// linux.resources.cpu without the sets (config-linux.md#cpu) as files of the cpu controller (cgroup-v2.rst, "CPU").

import type { CPU } from '../../config/generated/types.ts';
import { TsociError } from '../../linux/errors.ts';
import { notInV2, setValue } from './integers.ts';
import type { Plan, Write } from './resource-types.ts';

const FIELD = 'linux.resources.cpu';

export function planCpu(cpu: CPU): Plan {
  for (const name of ['realtimeRuntime', 'realtimePeriod'] as const)
    if (setValue(cpu[name]) !== undefined)
      throw notInV2(`${FIELD}.${name}`, 'realtime tasks are limited by sysctl kernel.sched_rt_runtime_us');
  const { writes, warnings } = planWeight(cpu);
  return { writes: [...writes, ...planBandwidth(cpu)], warnings };
}

function write(file: string, value: string, name: string): Write {
  return { file, value, controller: 'cpu', field: `${FIELD}.${name}` };
}

/** cpu.idle and cpu.weight. An idle group has the least weight and the kernel refuses it another (EINVAL). */
function planWeight(cpu: CPU): Plan {
  const writes: Write[] = [];
  const shares = setValue(cpu.shares);
  if (cpu.idle !== undefined) writes.push(write('cpu.idle', String(cpu.idle), 'idle'));
  if (shares === undefined) return { writes, warnings: [] };
  if (setValue(cpu.idle) !== undefined)
    return { writes, warnings: [`${FIELD}.shares has no effect: ${FIELD}.idle gives the least weight`] };
  writes.push(write('cpu.weight', String(sharesToWeight(shares)), 'shares'));
  return { writes, warnings: [] };
}

/** The range of cpu.shares of cgroup v1 (kernel/sched: MIN_SHARES, MAX_SHARES). */
const MIN_SHARES = 2n;
const MAX_SHARES = 262144n;

/**
 * The cpu.weight (1 to 10000) for cpu.shares (2 to 262144): the curve through the least, the default and the greatest of
 * both, 2→1, 1024→100, 262144→10000, a parabola in the logarithms. It is that of newer releases of runc (1.4) and crun (1.23); older
 * ones map linearly, which gives 1024 shares a weight of 39. See docs/cgroups.md.
 */
export function sharesToWeight(shares: bigint): number {
  if (shares <= MIN_SHARES) return 1;
  if (shares >= MAX_SHARES) return 10000;
  const l = Math.log2(Number(shares));
  const exponent = (l * l + 125 * l) / 612 - 7 / 34;
  // Less a hair, lest rounding of the last bit make 100 into 101.
  return Math.ceil(10 ** exponent - 1e-9);
}

/**
 * cpu.max and cpu.max.burst. The kernel demands burst ≤ quota after every single write, whatever the two were before: so
 * where both change, the burst is 0 in between.
 */
function planBandwidth(cpu: CPU): Write[] {
  const quota = setValue(cpu.quota);
  const period = setValue(cpu.period);
  const { burst } = cpu;
  if (burst !== undefined && quota !== undefined && quota > 0n && BigInt(burst) > quota)
    throw new TsociError(`${FIELD}.burst ${burst} must not be above ${FIELD}.quota ${quota}`);

  const writes: Write[] = [];
  const changesMax = quota !== undefined || period !== undefined;
  if (changesMax) {
    if (burst !== undefined) writes.push(write('cpu.max.burst', '0', 'burst'));
    // One number alone leaves the period as it is: 100000 in a new cgroup.
    const max = quota !== undefined && quota > 0n ? String(quota) : 'max';
    const value = period === undefined ? max : `${max} ${period}`;
    writes.push(write('cpu.max', value, quota === undefined ? 'period' : 'quota'));
  }
  if (burst !== undefined && !(changesMax && BigInt(burst) === 0n))
    writes.push(write('cpu.max.burst', String(burst), 'burst'));
  return writes;
}
