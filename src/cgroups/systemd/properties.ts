// What the planned writes to a cgroup are as properties of a unit (systemd.resource-control(5)). Pure.
//
// systemd writes all files of a controller again whenever it applies one of them. So it must know each value that it
// could overwrite; what it never writes (io.max, hugetlb, cpu.max.burst…) is left to the files.

import { parseList } from '../resources/cpuset.ts';
import type { Write } from '../resources/resource-types.ts';
import { type Value, type Variant, variant } from './marshal.ts';

export type Property = readonly [name: string, value: Variant];

/** systemd's UINT64_MAX: no limit. */
const INFINITY = 2n ** 64n - 1n;
const USEC_PER_SEC = 1_000_000n;
/** CPUQuota= is kept in whole percents, that is 10 ms a second; what is between is rounded up. */
const QUOTA_STEP = 10_000n;

const NUMBERS: Readonly<Record<string, string>> = {
  'memory.min': 'MemoryMin',
  'memory.low': 'MemoryLow',
  'memory.high': 'MemoryHigh',
  'memory.max': 'MemoryMax',
  'memory.swap.max': 'MemorySwapMax',
  'memory.zswap.max': 'MemoryZSwapMax',
  'pids.max': 'TasksMax',
  'cpu.weight': 'CPUWeight',
  'io.weight': 'IOWeight',
};

const SETS: Readonly<Record<string, string>> = {
  'cpuset.cpus': 'AllowedCPUs',
  'cpuset.mems': 'AllowedMemoryNodes',
};

/** A later write to a file overrides an earlier one, as in the cgroup itself. */
export function propertiesOf(writes: readonly Write[]): Property[] {
  const properties = new Map<string, Variant>();
  for (const { file, value } of writes)
    for (const [name, property] of propertiesFor(file, value.trim())) properties.set(name, property);
  return [...properties];
}

function propertiesFor(file: string, value: string): Property[] {
  const number = NUMBERS[file];
  if (number) return numberProperty(number, file === 'io.weight' ? value.replace(/^default\s+/, '') : value);
  const set = SETS[file];
  if (set) return setProperty(set, value);
  if (file === 'cpu.max') return quotaProperties(value);
  // systemd 252: weight 0 is cpu.idle 1.
  if (file === 'cpu.idle' && value === '1') return [['CPUWeight', variant('t', 0n)]];
  return [];
}

function numberProperty(name: string, value: string): Property[] {
  if (value === 'max') return [[name, variant('t', INFINITY)]];
  return /^\d+$/.test(value) ? [[name, variant('t', BigInt(value))]] : [];
}

function setProperty(name: string, value: string): Property[] {
  const numbers = parseList(value);
  return numbers ? [[name, variant('ay', bitmap(numbers))]] : [];
}

/** Bit n of the bytes stands for processor or node n. */
function bitmap(numbers: ReadonlySet<number>): Value[] {
  const bytes: number[] = [];
  for (const number of numbers) {
    const at = number >> 3;
    while (bytes.length <= at) bytes.push(0);
    bytes[at] = (bytes[at] ?? 0) | (1 << (number & 7));
  }
  return bytes;
}

/** "QUOTA PERIOD" in microseconds. */
function quotaProperties(value: string): Property[] {
  const [, quota, period] = /^(max|\d+)(?:\s+(\d+))?$/.exec(value) ?? [];
  if (quota === undefined || (period !== undefined && BigInt(period) === 0n)) return [];
  const properties: Property[] = [['CPUQuotaPerSecUSec', variant('t', perSecond(quota, period))]];
  if (period !== undefined) properties.push(['CPUQuotaPeriodUSec', variant('t', BigInt(period))]);
  return properties;
}

function perSecond(quota: string, period = '100000'): bigint {
  if (quota === 'max') return INFINITY;
  const exact = (BigInt(quota) * USEC_PER_SEC) / BigInt(period);
  return ((exact + QUOTA_STEP - 1n) / QUOTA_STEP) * QUOTA_STEP;
}
