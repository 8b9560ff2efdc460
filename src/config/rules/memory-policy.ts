// config-linux.md#memory-policy, and what set_mempolicy(2) answers with EINVAL.

import { error, type Finding } from '../finding.ts';
import type { Config, MemoryPolicyMode } from '../generated/types.ts';
import { isIdList, quote } from './values.ts';

const section = 'config-linux.md#memory-policy';
const withoutNodes: readonly MemoryPolicyMode[] = ['MPOL_DEFAULT', 'MPOL_LOCAL'];
const balanced: readonly MemoryPolicyMode[] = ['MPOL_BIND', 'MPOL_PREFERRED_MANY'];

export function memoryPolicy(config: Config): Finding[] {
  const policy = config.linux?.memoryPolicy;
  if (!policy) return [];
  const { mode, nodes = '', flags = [] } = policy;
  const wrong = (name: string, problem: string, expected: string) => [
    error(`/linux/memoryPolicy/${name}`, problem, expected, section),
  ];
  if (nodes !== '' && !isIdList(nodes)) return wrong('nodes', `is ${quote(nodes)}`, 'a list such as 0-3,7');
  if (withoutNodes.includes(mode)) {
    if (nodes !== '') return wrong('nodes', `is ${quote(nodes)}`, `none for ${mode}`);
    return flags.length > 0 ? wrong('flags', `has ${flags[0]}`, `none for ${mode}`) : [];
  }
  // MPOL_PREFERRED without nodes is MPOL_LOCAL.
  if (nodes === '' && mode !== 'MPOL_PREFERRED') return wrong('nodes', 'is missing', `nodes for ${mode}`);
  const relation = flags.find((flag) => flag !== 'MPOL_F_NUMA_BALANCING');
  if (nodes === '' && relation) return wrong('flags', `has ${relation}`, 'none without nodes');
  if (flags.includes('MPOL_F_STATIC_NODES') && flags.includes('MPOL_F_RELATIVE_NODES'))
    return wrong('flags', 'has MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES', 'one of the two');
  if (flags.includes('MPOL_F_NUMA_BALANCING') && !balanced.includes(mode))
    return wrong('flags', `has MPOL_F_NUMA_BALANCING with ${mode}`, 'it with MPOL_BIND');
  return [];
}

/** config-linux.md#personality */
export function personality(config: Config): Finding[] {
  const flag = config.linux?.personality?.flags?.[0];
  if (flag === undefined) return [];
  const problem = `is ${quote(flag)}`;
  return [
    error('/linux/personality/flags/0', problem, 'no flag: none is defined', 'config-linux.md#personality'),
  ];
}
