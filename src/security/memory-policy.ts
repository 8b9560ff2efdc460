// linux.memoryPolicy (config-linux.md#memory-policy, set_mempolicy(2)).

import type { MemoryPolicy } from '../config/generated/types.ts';
import { TsociError } from '../linux/errors.ts';
import type { Program } from '../stub/program.ts';
import { parseIdList } from './id-list.ts';

/** linux/mempolicy.h; what each mode says about nodes is of set_mempolicy(2). */
export const memoryPolicyModes: Readonly<Record<string, { number: number; nodes: 'none' | 'some' | 'any' }>> =
  {
    MPOL_DEFAULT: { number: 0, nodes: 'none' },
    MPOL_PREFERRED: { number: 1, nodes: 'any' },
    MPOL_BIND: { number: 2, nodes: 'some' },
    MPOL_INTERLEAVE: { number: 3, nodes: 'some' },
    MPOL_LOCAL: { number: 4, nodes: 'none' },
    MPOL_PREFERRED_MANY: { number: 5, nodes: 'some' },
    MPOL_WEIGHTED_INTERLEAVE: { number: 6, nodes: 'some' },
  };

export const memoryPolicyFlags: Readonly<Record<string, number>> = {
  MPOL_F_NUMA_BALANCING: 1 << 13,
  MPOL_F_RELATIVE_NODES: 1 << 14,
  MPOL_F_STATIC_NODES: 1 << 15,
};

/** The policy is kept over execve(2) and inherited by what the process forks. */
export function setMemoryPolicy(program: Program, config: MemoryPolicy | undefined): void {
  if (!config) return;
  const { mode, nodes = '', flags = [] } = config;
  const doing = `set memory policy ${mode}${nodes && ` of nodes ${nodes}`}`;
  const known = memoryPolicyModes[mode];
  if (!known) throw new TsociError(`${doing}: unknown mode`);
  if (known.nodes === 'none' && nodes) throw new TsociError(`${doing}: this mode takes no nodes`);
  if (known.nodes === 'some' && !nodes) throw new TsociError(`${doing}: this mode takes nodes`);
  let bits = 0;
  for (const flag of flags) {
    const bit = memoryPolicyFlags[flag];
    if (bit === undefined) throw new TsociError(`${doing}: unknown flag ${flag}`);
    bits |= bit;
  }
  if (flags.includes('MPOL_F_STATIC_NODES') && flags.includes('MPOL_F_RELATIVE_NODES'))
    throw new TsociError(`${doing}: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other`);
  if (!nodes) {
    program.call('set_mempolicy', [known.number | bits, 0, 0], doing);
    return;
  }
  const mask = parseIdList(nodes, doing);
  // The kernel reads one bit less than maxnode says (mm/mempolicy.c, get_nodes).
  const args = [known.number | bits, mask, mask.length * 8 + 1];
  program.call('set_mempolicy', args, `${doing} (has the container such nodes?)`);
}
