// config-linux.md, linux.resources: limits that cannot be set, or make no sense.

import { hierarchies } from '../harness/cgroup.ts';
import type { Check, Section } from '../harness/check.ts';
import type { Resources } from '../harness/config.ts';
import { someDisk } from '../harness/host.ts';
import { refuses } from '../harness/shapes.ts';

const MIB = 1 << 20;
const cpu = 'config-linux.md#cpu';

/** Whether a controller is in no hierarchy of the host. */
function isMissing(controller: string): boolean {
  return !hierarchies().some(({ controllers }) => controllers.includes(controller));
}

const IMPOSSIBLE: [id: string, section: Section, controller: string, what: string, resources: Resources][] = [
  ['network', 'config-linux.md#network', 'net_cls', 'network.classID', { network: { classID: 0x100001 } }],
  [
    'priorities',
    'config-linux.md#network',
    'net_prio',
    'network.priorities',
    { network: { priorities: [{ name: 'lo', priority: 5 }] } },
  ],
  [
    'rdma',
    'config-linux.md#rdma',
    'rdma',
    'an rdma limit',
    { rdma: { 'no-such-device': { hcaHandles: 3 } } },
  ],
];

export const checks: Check[] = [
  ...IMPOSSIBLE.map(
    ([id, section, controller, what, resources]): Check => ({
      id: `resources-${id}-unavailable`,
      section,
      level: 'MUST',
      requirement: `On a host without the ${controller} controller ${what} cannot be applied, which is an error.`,
      also: ['runtime.md#create/6'],
      unless: () => (isMissing(controller) ? undefined : `this host has the ${controller} controller`),
      broken: { ignores: '/linux/resources' },
      run: refuses(`there is no ${controller} controller`, (config) => {
        config.linux.resources = resources;
      }),
    }),
  ),
  {
    id: 'resources-cpus-invalid',
    section: 'runtime.md#create',
    level: 'MUST',
    requirement: 'A list of CPUs that the host does not have is an error.',
    musts: [6],
    broken: { ignores: '/linux/resources' },
    run: refuses('the host has no such CPU', (config) => {
      config.linux.resources = { cpu: { cpus: '4000' } };
    }),
  },
  {
    id: 'resources-page-size-invalid',
    section: 'runtime.md#create',
    level: 'MUST',
    requirement: 'A limit of huge pages of a size that the host does not have is an error.',
    musts: [6],
    broken: { ignores: '/linux/resources' },
    run: refuses('the host has no such pages', (config) => {
      config.linux.resources = { hugepageLimits: [{ pageSize: '3MB', limit: 3 * MIB }] };
    }),
  },
  {
    id: 'resources-burst-above-quota',
    section: cpu,
    level: 'MUST',
    requirement: 'A burst above the quota, which the kernel refuses, is an error.',
    musts: [1, 2],
    also: ['runtime.md#create/6'],
    broken: { ignores: '/linux/resources/cpu' },
    run: refuses('burst is above quota', (config) => {
      config.linux.resources = { cpu: { quota: 50_000, burst: 60_000 } };
    }),
  },
  {
    id: 'resources-weight-device-empty',
    section: 'config-linux.md#block-io',
    level: 'MUST',
    requirement: 'An entry of weightDevice with neither weight nor leafWeight is an error.',
    musts: [1],
    also: ['config.md#valid-values/1'],
    broken: { ignores: '/linux/resources/blockIO' },
    run: refuses('an entry has no weight', (config) => {
      config.linux.resources = { blockIO: { weightDevice: [someDisk()] } };
    }),
  },
  {
    id: 'resources-rdma-empty',
    section: 'config-linux.md#rdma',
    level: 'MUST',
    requirement: 'An rdma entry with neither hcaHandles nor hcaObjects is an error.',
    musts: [1],
    also: ['config.md#valid-values/1'],
    broken: { ignores: '/linux/resources/rdma' },
    run: refuses('an entry has no limit', (config) => {
      config.linux.resources = { rdma: { mlx5_1: {} } };
    }),
  },
];
