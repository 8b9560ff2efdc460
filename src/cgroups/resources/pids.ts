// linux.resources.pids (config-linux.md#pids) as pids.max.
//
// 0 takes the limit away, as it does with runc and crun. The specification would have it a limit like any other; but podman
// writes 0 into every config for --pids-limit -1, and a container that may have no process at all could never start.

import type { Pids } from '../../config/generated/types.ts';
import { maxOr } from './integers.ts';
import type { Plan } from './resource-types.ts';

const FIELD = 'linux.resources.pids.limit';

export function planPids({ limit }: Pids): Plan {
  if (limit === undefined) return { writes: [], warnings: [] };
  return {
    writes: [
      {
        file: 'pids.max',
        value: Number(limit) === 0 ? 'max' : maxOr(limit, FIELD),
        controller: 'pids',
        field: FIELD,
      },
    ],
    warnings: [],
  };
}
