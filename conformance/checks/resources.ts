// config-linux.md, linux.resources: the limits that a container's cgroup has, in the files of cgroup v1 or v2.

import { cgroupValue, hierarchies, hierarchyOf } from '../harness/cgroup.ts';
import type { Check, Section } from '../harness/check.ts';
import type { Resources } from '../harness/config.ts';
import { expectEqual, expectMatch, Skip } from '../harness/expect.ts';
import { someDisk } from '../harness/host.ts';
import { statusField } from '../harness/proc.ts';
import { type Trial, WAIT } from '../harness/trial.ts';

/** A file of the cgroup, and what must be in it. */
type Wanted = [file: string, value: string | RegExp];

interface Limit {
  id: string;
  section: Section;
  requirement: string;
  level?: 'SHOULD';
  resources: Resources;
  /** The controller's name, and the file, in each version; without one, the version has no such limit. */
  v1?: [controller: string, ...Wanted];
  v2?: [controller: string, ...Wanted];
  /** What the broken runtime takes it for; otherwise it ignores it. */
  instead?: Resources;
}

const MIB = 1 << 20;
const memory = 'config-linux.md#memory';
const cpu = 'config-linux.md#cpu';
const pids = 'config-linux.md#pids';

const LIMITS: Limit[] = [
  {
    id: 'memory-limit',
    section: memory,
    requirement: 'memory.limit limits the memory of the container.',
    resources: { memory: { limit: 64 * MIB } },
    v1: ['memory', 'memory.limit_in_bytes', String(64 * MIB)],
    v2: ['memory', 'memory.max', String(64 * MIB)],
  },
  {
    id: 'memory-unlimited',
    section: memory,
    requirement: 'A memory.limit of -1 is no limit.',
    resources: { memory: { limit: -1 } },
    v1: ['memory', 'memory.limit_in_bytes', /^9223372036854\d+$/],
    v2: ['memory', 'memory.max', 'max'],
    instead: { memory: { limit: 64 * MIB } },
  },
  {
    id: 'memory-reservation',
    section: memory,
    requirement: 'memory.reservation is the soft limit.',
    resources: { memory: { reservation: 32 * MIB } },
    v1: ['memory', 'memory.soft_limit_in_bytes', String(32 * MIB)],
    v2: ['memory', 'memory.low', String(32 * MIB)],
  },
  {
    id: 'memory-swap',
    section: memory,
    requirement: 'memory.swap limits memory and swap together.',
    resources: { memory: { limit: 64 * MIB, swap: 96 * MIB } },
    v1: ['memory', 'memory.memsw.limit_in_bytes', String(96 * MIB)],
    v2: ['memory', 'memory.swap.max', String(32 * MIB)],
  },
  {
    id: 'memory-swappiness',
    section: memory,
    requirement: 'memory.swappiness is the swappiness of the cgroup.',
    resources: { memory: { swappiness: 33 } },
    v1: ['memory', 'memory.swappiness', '33'],
  },
  {
    id: 'memory-disable-oom-killer',
    section: memory,
    requirement: 'memory.disableOOMKiller disables the OOM killer.',
    resources: { memory: { limit: 64 * MIB, disableOOMKiller: true } },
    v1: ['memory', 'memory.oom_control', /^oom_kill_disable 1$/m],
  },
  {
    id: 'cpu-shares',
    section: cpu,
    requirement: 'cpu.shares is the relative share of CPU time.',
    resources: { cpu: { shares: 512 } },
    v1: ['cpu', 'cpu.shares', '512'],
    // The conversion of runc to 1.3, and the one that keeps the default at the default.
    v2: ['cpu', 'cpu.weight', /^(20|59)$/],
  },
  {
    id: 'cpu-quota',
    section: cpu,
    requirement: 'cpu.quota is the time that may be used in a period.',
    resources: { cpu: { quota: 50_000 } },
    v1: ['cpu', 'cpu.cfs_quota_us', '50000'],
    v2: ['cpu', 'cpu.max', /^50000 /],
  },
  {
    id: 'cpu-period',
    section: cpu,
    requirement: 'cpu.period is the length of a period.',
    resources: { cpu: { quota: 50_000, period: 200_000 } },
    v1: ['cpu', 'cpu.cfs_period_us', '200000'],
    v2: ['cpu', 'cpu.max', '50000 200000'],
  },
  {
    id: 'cpu-burst',
    section: cpu,
    requirement: 'cpu.burst is the time that may be saved for later periods.',
    resources: { cpu: { quota: 50_000, burst: 20_000 } },
    v1: ['cpu', 'cpu.cfs_burst_us', '20000'],
    v2: ['cpu', 'cpu.max.burst', '20000'],
  },
  {
    id: 'cpu-idle',
    section: cpu,
    requirement: 'cpu.idle makes the cgroup SCHED_IDLE.',
    resources: { cpu: { idle: 1 } },
    v1: ['cpu', 'cpu.idle', '1'],
    v2: ['cpu', 'cpu.idle', '1'],
  },
  {
    id: 'cpu-cpus',
    section: cpu,
    requirement: 'cpu.cpus is the list of CPUs that the container may run on.',
    resources: { cpu: { cpus: '0' } },
    v1: ['cpuset', 'cpuset.cpus', '0'],
    v2: ['cpuset', 'cpuset.cpus', '0'],
  },
  {
    id: 'cpu-mems',
    section: cpu,
    requirement: 'cpu.mems is the list of memory nodes that the container may use.',
    resources: { cpu: { cpus: '0', mems: '0' } },
    v1: ['cpuset', 'cpuset.mems', '0'],
    v2: ['cpuset', 'cpuset.mems', '0'],
    instead: { cpu: { cpus: '0', mems: '0-999' } },
  },
  {
    id: 'pids-limit',
    section: pids,
    requirement: 'pids.limit is the number of tasks that the container may have.',
    resources: { pids: { limit: 33 } },
    v1: ['pids', 'pids.max', '33'],
    v2: ['pids', 'pids.max', '33'],
  },
  {
    id: 'pids-unlimited',
    section: pids,
    requirement: 'A pids.limit of -1 is no limit.',
    resources: { pids: { limit: -1 } },
    v1: ['pids', 'pids.max', 'max'],
    v2: ['pids', 'pids.max', 'max'],
    instead: { pids: { limit: 33 } },
  },
  {
    id: 'pids-zero',
    section: pids,
    level: 'SHOULD',
    requirement: 'A pids.limit of 0 is a limit, of 0 tasks more.',
    resources: { pids: { limit: 0 } },
    v1: ['pids', 'pids.max', '0'],
    v2: ['pids', 'pids.max', '0'],
  },
  {
    id: 'hugepage-limit',
    section: 'config-linux.md#huge-page-limits',
    requirement: 'hugepageLimits limits the reservation of huge pages.',
    resources: { hugepageLimits: [{ pageSize: '2MB', limit: 4 * MIB }] },
    v1: ['hugetlb', 'hugetlb.2MB.rsvd.limit_in_bytes', String(4 * MIB)],
    v2: ['hugetlb', 'hugetlb.2MB.rsvd.max', String(4 * MIB)],
  },
];

/** The cgroup version that a runtime sets limits of a controller with, on this host. */
function versionFor(trial: Trial, controller: string): 1 | 2 {
  const { version } = hierarchyOf(controller);
  if (version === 2 || trial.runtime.cgroupV1) return version;
  throw new Skip(`the runtime uses cgroup v2 only, and ${controller} is in v1 on this host`);
}

function limitCheck({ id, section, requirement, level, resources, v1, v2, instead }: Limit): Check {
  return {
    id: `resources-${id}`,
    section,
    level: level ?? 'MUST',
    requirement,
    broken: instead
      ? { reads: '/linux/resources', as: { ...instead } as never }
      : { ignores: '/linux/resources' },
    async run(trial) {
      const name = (v1 ?? v2)?.[0] ?? '';
      const wanted = versionFor(trial, name) === 1 ? v1 : v2;
      if (!wanted) throw new Skip('cgroup v2 has no such limit');
      const [controller, file, value] = wanted;
      const container = await trial.created(WAIT, (config) => {
        config.linux.resources = resources;
      });
      const found = cgroupValue(container.pid, controller, file);
      if (typeof value === 'string') expectEqual(found, value, file);
      else expectMatch(found, value, file);
    },
  };
}

const THROTTLES = [
  ['throttleReadBpsDevice', 'blkio.throttle.read_bps_device', 'rbps'],
  ['throttleWriteBpsDevice', 'blkio.throttle.write_bps_device', 'wbps'],
  ['throttleReadIOPSDevice', 'blkio.throttle.read_iops_device', 'riops'],
  ['throttleWriteIOPSDevice', 'blkio.throttle.write_iops_device', 'wiops'],
] as const;

async function runThrottle(trial: Trial, [property, file, key]: (typeof THROTTLES)[number]): Promise<void> {
  const { major, minor } = someDisk();
  const v2 = hierarchies().some(({ version, controllers }) => version === 2 && controllers.includes('io'));
  if (!v2) versionFor(trial, 'blkio');
  const container = await trial.created(WAIT, (config) => {
    config.linux.resources = { blockIO: { [property]: [{ major, minor, rate: MIB }] } };
  });
  const found = v2 ? cgroupValue(container.pid, 'io', 'io.max') : cgroupValue(container.pid, 'blkio', file);
  const wanted = v2 ? `${major}:${minor} .*\\b${key}=${MIB}\\b` : `^${major}:${minor} ${MIB}$`;
  expectMatch(found, new RegExp(wanted, 'm'), v2 ? 'io.max' : file);
}

export const checks: Check[] = [
  ...LIMITS.map(limitCheck),
  {
    id: 'resources-cpus-process',
    section: cpu,
    level: 'MUST',
    requirement: 'The container process runs on the CPUs of cpu.cpus only.',
    unless: ({ cpus }) => (cpus < 2 ? 'this host has one CPU' : undefined),
    broken: { ignores: '/linux/resources' },
    async run(trial) {
      versionFor(trial, 'cpuset');
      const status = await trial.output('cat /proc/self/status', (config) => {
        config.linux.resources = { cpu: { cpus: '1' } };
      });
      expectEqual(statusField(status, 'Cpus_allowed_list'), '1', 'Cpus_allowed_list');
    },
  },
  ...THROTTLES.map(
    (throttle): Check => ({
      id: `resources-${throttle[0].replace(/[A-Z]+/g, (capitals) => `-${capitals.toLowerCase()}`)}`,
      section: 'config-linux.md#block-io',
      level: 'MUST',
      requirement: `blockIO.${throttle[0]} limits the rate of a device.`,
      broken: { ignores: '/linux/resources' },
      run: (trial) => runThrottle(trial, throttle),
    }),
  ),
];
