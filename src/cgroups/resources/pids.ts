// linux.resources.pids (config-linux.md#pids) as pids.max. 0 is a limit like any other.

import type { Pids } from '../../config/generated/types.ts';
import { maxOr } from './integers.ts';
import type { Plan } from './types.ts';

const FIELD = 'linux.resources.pids.limit';

export function planPids({ limit }: Pids): Plan {
  if (limit === undefined) return { writes: [], warnings: [] };
  return {
    writes: [{ file: 'pids.max', value: maxOr(limit, FIELD), controller: 'pids', field: FIELD }],
    warnings: [],
  };
}
