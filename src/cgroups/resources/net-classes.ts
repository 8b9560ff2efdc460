// linux.resources.network (config-linux.md#network): net_cls and net_prio exist in cgroup v1 only.

import type { Network } from '../../config/generated/types.ts';
import { notInV2, setValue } from './integers.ts';
import type { Plan } from './resource-types.ts';

const FIELD = 'linux.resources.network';

export function planNetwork({ classID, priorities }: Network): Plan {
  if (setValue(classID) !== undefined)
    throw notInV2(
      `${FIELD}.classID`,
      'match the cgroup by its path instead (iptables -m cgroup --path, nft socket cgroupv2)',
    );
  if (priorities && priorities.length > 0)
    throw notInV2(
      `${FIELD}.priorities`,
      'set skb priority by cgroup with nft (socket cgroupv2, meta priority)',
    );
  return { writes: [], warnings: [] };
}
