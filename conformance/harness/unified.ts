// A view of the host in which cgroup v2 is all there is, as on most hosts today.

import { hierarchyOf, unifiedHierarchy } from './cgroup.ts';
import { Skip } from './expect.ts';
import { holdNamespaces } from './namespaces.ts';
import type { Trial } from './trial.ts';

export interface UnifiedView {
  /** Executes a command in the view. */
  prefix: string[];
  /** Where the hierarchy is mounted for the harness itself. */
  mountPoint: string;
  controllers: string[];
}

/** Where v1 has controllers, v2 is bound over them in a mount namespace of its own. */
export async function unifiedView(trial: Trial, prepare = ':'): Promise<UnifiedView> {
  const { mountPoint, controllers } = unifiedHierarchy();
  const bind = trial.host.pureV2 ? ':' : `mount --bind ${mountPoint} /sys/fs/cgroup`;
  const { prefix } = await holdNamespaces(trial, ['mount'], `mount --make-rprivate /; ${bind}; ${prepare}`);
  return { prefix, mountPoint, controllers };
}

/** A file that some controller of cgroup v2 on this host has, with a value for it. */
export function someUnifiedLimit(): [file: string, value: string] {
  for (const [controller, file, value] of [
    ['pids', 'pids.max', '55'],
    ['memory', 'memory.high', '67108864'],
    ['hugetlb', 'hugetlb.2MB.max', '4194304'],
  ] as const) {
    if (unifiedHierarchy().controllers.includes(controller)) return [file, value];
  }
  throw new Skip('cgroup v2 has no controller here that the check knows');
}

/** A file of a controller that cgroup v2 does not have on this host. */
export function someMissingLimit(): [file: string, value: string] {
  for (const [controller, file, value] of [
    ['rdma', 'rdma.max', 'mlx5_0 hca_handle=2'],
    ['misc', 'misc.max', 'res_a 1'],
    ['memory', 'memory.high', '67108864'],
    ['dmem', 'dmem.max', 'max'],
  ] as const) {
    if (!unifiedHierarchy().controllers.includes(controller)) return [file, value];
  }
  throw new Skip('cgroup v2 has all controllers here');
}

/** Whether v1 has taken the memory controller away from v2. */
export function memoryIsV1(): boolean {
  return hierarchyOf('memory').version === 1;
}
