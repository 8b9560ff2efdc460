// config.md#posix-process: resource limits. None here is above the limit that a caller is likely to have.

import { readFileSync } from 'node:fs';
import type { Check } from '../harness/check.ts';
import { expectEqual, Failure } from '../harness/expect.ts';
import { refuses } from '../harness/shapes.ts';
import type { Edit, Trial } from '../harness/trial.ts';

const section = 'config.md#posix-process';

/** How /proc/PID/limits calls each limit of getrlimit(2), and a value to try. */
const LIMITS: Record<string, [name: string, value: number]> = {
  RLIMIT_CPU: ['Max cpu time', 1000],
  RLIMIT_FSIZE: ['Max file size', 1 << 30],
  RLIMIT_DATA: ['Max data size', 1 << 30],
  RLIMIT_STACK: ['Max stack size', 4 << 20],
  RLIMIT_CORE: ['Max core file size', 4096],
  RLIMIT_RSS: ['Max resident set', 1 << 30],
  RLIMIT_NPROC: ['Max processes', 500],
  RLIMIT_NOFILE: ['Max open files', 100],
  RLIMIT_MEMLOCK: ['Max locked memory', 32768],
  RLIMIT_AS: ['Max address space', 1 << 30],
  RLIMIT_LOCKS: ['Max file locks', 50],
  RLIMIT_SIGPENDING: ['Max pending signals', 60],
  RLIMIT_MSGQUEUE: ['Max msgqueue size', 8192],
  RLIMIT_NICE: ['Max nice priority', 0],
  RLIMIT_RTPRIO: ['Max realtime priority', 0],
  RLIMIT_RTTIME: ['Max realtime timeout', 100000],
};

/** The soft and hard limit in the program's /proc/self/limits. */
async function limitsOf(trial: Trial, type: string, edit: Edit): Promise<[string, string]> {
  const [name = type] = LIMITS[type] ?? [];
  const text = await trial.output('cat /proc/self/limits', edit);
  const [, soft, hard] = new RegExp(`^${name} +(\\S+) +(\\S+)`, 'm').exec(text) ?? [];
  if (soft === undefined || hard === undefined) throw new Failure(`the limits do not list ${name}`);
  return [soft, hard];
}

export const checks: Check[] = [
  {
    id: 'rlimit-soft',
    section,
    level: 'MUST',
    requirement: 'The soft limit is the configured one.',
    musts: [3],
    broken: { reads: '/process/rlimits/0/soft', as: 120 },
    async run(trial) {
      const [soft] = await limitsOf(trial, 'RLIMIT_NOFILE', (config) => {
        config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 120 }];
      });
      expectEqual(soft, '100', 'rlim_cur');
    },
  },
  {
    id: 'rlimit-hard',
    section,
    level: 'MUST',
    requirement: 'The hard limit is the configured one.',
    musts: [4],
    broken: { reads: '/process/rlimits/0/hard', as: 100 },
    async run(trial) {
      const [, hard] = await limitsOf(trial, 'RLIMIT_NOFILE', (config) => {
        config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 120 }];
      });
      expectEqual(hard, '120', 'rlim_max');
    },
  },
  ...Object.entries(LIMITS).map(
    ([type, [, value]]): Check => ({
      id: `rlimit-${type.slice('RLIMIT_'.length).toLowerCase()}`,
      section,
      level: 'MUST',
      requirement: `${type} is known, and set.`,
      musts: [2],
      // A limit of 0 is likely to be the host's too, so that a runtime without limits passes.
      broken: value === 0 ? { reads: '/process/rlimits', as: 'none' } : { ignores: '/process/rlimits' },
      async run(trial) {
        const limits = await limitsOf(trial, type, (config) => {
          config.process.rlimits = [{ type, soft: value, hard: value }];
        });
        expectEqual(limits, [String(value), String(value)], type);
      },
    }),
  ),
  {
    id: 'rlimit-infinity',
    section,
    level: 'MUST',
    requirement: 'The greatest unsigned 64-bit value is RLIM_INFINITY: no limit.',
    musts: [3, 4],
    broken: { reads: '/process/rlimits/0/soft', as: 1000 },
    async run(trial) {
      const infinity = 2n ** 64n - 1n;
      const limits = await limitsOf(trial, 'RLIMIT_CPU', (config) => {
        config.process.rlimits = [{ type: 'RLIMIT_CPU', soft: infinity, hard: infinity }];
      });
      expectEqual(limits, ['unlimited', 'unlimited'], 'RLIMIT_CPU');
    },
  },
  {
    id: 'rlimit-unknown',
    section,
    level: 'MUST',
    requirement: 'A type that the kernel does not have is an error.',
    musts: [1],
    broken: { ignores: '/process/rlimits' },
    run: refuses('the type of a limit is unknown', (config) => {
      config.process.rlimits = [{ type: 'RLIMIT_NO_SUCH_THING', soft: 1, hard: 1 }];
    }),
  },
  {
    id: 'rlimit-duplicate',
    section,
    level: 'MUST',
    requirement: 'Two entries of one type are an error.',
    musts: [5],
    broken: { ignores: '/process/rlimits/-1' },
    run: refuses('two limits have one type', (config) => {
      const entry = { type: 'RLIMIT_NOFILE', soft: 100, hard: 100 };
      config.process.rlimits = [entry, { ...entry, soft: 50 }];
    }),
  },
  {
    id: 'rlimit-soft-above-hard',
    section: 'runtime.md#create',
    level: 'MUST',
    requirement: 'A soft limit above the hard one, which the kernel refuses, is an error.',
    musts: [6],
    broken: { ignores: '/process/rlimits' },
    run: refuses('the soft limit is above the hard one', (config) => {
      config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 120, hard: 100 }];
    }),
  },
  {
    id: 'rlimit-not-permitted',
    section: 'runtime.md#create',
    level: 'MUST',
    requirement: 'A hard limit above what the kernel permits to anybody is an error of create.',
    musts: [6],
    broken: { ignores: '/process/rlimits' },
    run: refuses('more open files are not permitted', (config) => {
      const hard = Number(readFileSync('/proc/sys/fs/nr_open', 'utf8')) + 1;
      config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 100, hard }];
    }),
  },
];
