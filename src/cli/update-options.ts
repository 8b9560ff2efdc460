// The limits that `update` takes as options, and what they are in linux.resources of config.json.

import type { IntelRdt, Resources } from '../config/generated/types.ts';
import { type Given, given } from '../config/given.ts';
import { type Option, UsageError, type Values } from './options.ts';

const BYTES = 'bytes, with k, m, g or t for powers of 1024; -1: no limit';

export const LIMIT_OPTIONS = [
  {
    long: 'memory',
    kind: 'string',
    placeholder: 'BYTES',
    help: `the memory that it may use (${BYTES})`,
  },
  {
    long: 'memory-reservation',
    kind: 'string',
    placeholder: 'BYTES',
    help: 'the memory below which nothing is reclaimed from it',
  },
  {
    long: 'memory-swap',
    kind: 'string',
    placeholder: 'BYTES',
    help: 'the memory and swap together that it may use',
  },
  { long: 'cpu-period', kind: 'number', placeholder: 'USEC', help: 'the period of the CPU quota' },
  {
    long: 'cpu-quota',
    kind: 'number',
    placeholder: 'USEC',
    help: 'the CPU time it may use in each period; -1: no limit',
  },
  {
    long: 'cpu-burst',
    kind: 'number',
    placeholder: 'USEC',
    help: 'the unused CPU time it may carry over into later periods',
  },
  { long: 'cpu-share', kind: 'number', placeholder: 'N', help: 'its weight beside other containers' },
  {
    long: 'cpu-idle',
    kind: 'number',
    placeholder: 'N',
    help: '1: it runs when nothing else wants to; 0: not so',
  },
  { long: 'cpu-rt-period', kind: 'number', placeholder: 'USEC', help: 'the period of real-time scheduling' },
  {
    long: 'cpu-rt-runtime',
    kind: 'number',
    placeholder: 'USEC',
    help: 'the time for real-time tasks in each such period',
  },
  {
    long: 'cpuset-cpus',
    kind: 'string',
    placeholder: 'LIST',
    help: 'the CPUs that it may use, such as 0-2,7',
  },
  { long: 'cpuset-mems', kind: 'string', placeholder: 'LIST', help: 'the memory nodes that it may use' },
  {
    long: 'blkio-weight',
    kind: 'number',
    placeholder: 'N',
    help: 'its weight for block I/O, from 10 to 1000',
  },
  { long: 'pids-limit', kind: 'number', placeholder: 'N', help: 'the tasks that it may have; -1: no limit' },
  {
    long: 'kernel-memory',
    kind: 'string',
    placeholder: 'BYTES',
    help: 'accepted and ignored: Linux has no such limit any more',
  },
  {
    long: 'kernel-memory-tcp',
    kind: 'string',
    placeholder: 'BYTES',
    help: 'accepted and ignored: cgroup v2 has no such limit',
  },
  {
    long: 'l3-cache-schema',
    kind: 'string',
    placeholder: 'SCHEMA',
    help: 'its share of the L3 cache (Intel RDT), such as L3:0=7f0;1=1f; config.json must have linux.intelRdt',
  },
  {
    long: 'mem-bw-schema',
    kind: 'string',
    placeholder: 'SCHEMA',
    help: 'its memory bandwidth (Intel RDT), such as MB:0=20;1=70; config.json must have linux.intelRdt',
  },
] as const satisfies readonly Option[];

/** The resources that the options name; sections without any are left out. */
export function limitsOf(values: Values<typeof LIMIT_OPTIONS>): Resources {
  const memory = anyGiven({
    limit: bytes('memory', values.memory),
    reservation: bytes('memory-reservation', values['memory-reservation']),
    swap: bytes('memory-swap', values['memory-swap']),
  });
  const cpu = anyGiven({
    period: values['cpu-period'],
    quota: values['cpu-quota'],
    burst: values['cpu-burst'],
    shares: values['cpu-share'],
    idle: values['cpu-idle'],
    realtimePeriod: values['cpu-rt-period'],
    realtimeRuntime: values['cpu-rt-runtime'],
    cpus: values['cpuset-cpus'],
    mems: values['cpuset-mems'],
  });
  const blockIO = anyGiven({ weight: values['blkio-weight'] });
  const pids = anyGiven({ limit: values['pids-limit'] });
  return given({ memory, cpu, blockIO, pids });
}

/** The schemas that the options name; undefined if they name none. */
export function schemasOf(
  values: Values<typeof LIMIT_OPTIONS>,
): Pick<IntelRdt, 'l3CacheSchema' | 'memBwSchema'> | undefined {
  return anyGiven({ l3CacheSchema: values['l3-cache-schema'], memBwSchema: values['mem-bw-schema'] });
}

/** The properties that have a value; undefined when none has. */
function anyGiven<T extends object>(all: T): Given<T> | undefined {
  const some = given(all);
  return Object.keys(some).length > 0 ? some : undefined;
}

/** `512m` in bytes, exactly. */
function bytes(option: string, text: string | undefined): number | bigint | undefined {
  if (text === undefined) return undefined;
  const match = /^(-1|\d+)([kmgt]?)(?:i?b)?$/i.exec(text);
  if (!match) throw new UsageError(`option --${option}: "${text}" is no number of ${BYTES}`);
  const [, digits = '', unit = ''] = match;
  const value = BigInt(digits) * 1024n ** BigInt(' kmgt'.indexOf(unit.toLowerCase() || ' '));
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}
