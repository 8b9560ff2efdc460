// config-linux.md#memory-policy and #intelrdt.

import { existsSync } from 'node:fs';
import type { Check } from '../harness/check.ts';
import { prints, refuses } from '../harness/shapes.ts';

const section = 'config-linux.md#memory-policy';

/** The policies of the mappings of the process: numa(7). */
const POLICIES = 'cut -d " " -f 2 /proc/self/numa_maps | sort -u';
const unless = () => (existsSync('/proc/self/numa_maps') ? undefined : 'this kernel has no NUMA policies');

interface Policy {
  id: string;
  mode: string;
  nodes?: string;
  flags?: string[];
  wanted: RegExp;
}

const POLICY_CASES: Policy[] = [
  { id: 'bind', mode: 'MPOL_BIND', nodes: '0', wanted: /^bind:0$/m },
  { id: 'interleave', mode: 'MPOL_INTERLEAVE', nodes: '0', wanted: /^interleave:0$/m },
  { id: 'preferred', mode: 'MPOL_PREFERRED', nodes: '0', wanted: /^prefer(red)?:0$/m },
  { id: 'local', mode: 'MPOL_LOCAL', wanted: /^local$/m },
  { id: 'flags', mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES'], wanted: /^bind=static:0$/m },
];

export const checks: Check[] = [
  ...POLICY_CASES.map(
    ({ id, wanted, ...memoryPolicy }): Check => ({
      id: `memory-policy-${id}`,
      section,
      level: 'MUST',
      requirement: `The memory policy of the process is the configured one: ${Object.values(memoryPolicy).flat().join(' ')}.`,
      unless,
      broken: { ignores: '/linux/memoryPolicy' },
      run: prints(
        POLICIES,
        (config) => {
          config.linux.memoryPolicy = memoryPolicy;
        },
        wanted,
      ),
    }),
  ),
  ...(
    [
      ['mode', 'MPOL_NO_SUCH_THING', []],
      ['flag', 'MPOL_BIND', ['MPOL_F_NO_SUCH_THING']],
    ] as const
  ).map(
    ([id, mode, flags]): Check => ({
      id: `memory-policy-unknown-${id}`,
      section: 'config.md#valid-values',
      level: 'MUST',
      requirement: `A ${id} of memoryPolicy that is not in the list is an error.`,
      musts: [1],
      broken: { ignores: '/linux/memoryPolicy' },
      run: refuses(`the ${id} is unknown`, (config) => {
        config.linux.memoryPolicy = { mode, nodes: '0', flags: [...flags] };
      }),
    }),
  ),
  {
    id: 'memory-policy-without-nodes',
    section: 'runtime.md#create',
    level: 'MUST',
    requirement: 'MPOL_BIND without nodes, which the kernel refuses, is an error.',
    musts: [6],
    unless,
    broken: { ignores: '/linux/memoryPolicy' },
    run: refuses('there are no nodes', (config) => {
      config.linux.memoryPolicy = { mode: 'MPOL_BIND' };
    }),
  },
  {
    id: 'intel-rdt-unavailable',
    section: 'config-linux.md#intelrdt',
    level: 'MUST',
    requirement: 'Where resctrl is not mounted, intelRdt is an error.',
    musts: [2],
    unless: ({ resctrl }) => (resctrl ? 'this host has resctrl' : undefined),
    broken: { ignores: '/linux/intelRdt' },
    run: refuses('resctrl is not mounted', (config) => {
      config.linux.intelRdt = { closID: 'a-class', l3CacheSchema: 'L3:0=7f0' };
    }),
  },
];
