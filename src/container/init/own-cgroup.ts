// A cgroup2 mount for a container that may not mount one.

import { currentCgroup } from '../../cgroups/hierarchy.ts';
import { inUserNamespace } from '../../linux/procfs.ts';
import { isolates, type NamespacePlan } from '../../namespaces/namespace-plan.ts';
import type { MountPlan } from '../../rootfs/mount-plan.ts';

/**
 * A user namespace may mount cgroup2 only together with a cgroup namespace of its own (cgroup_namespaces(7)). Without one
 * the container gets its own cgroup, `directory`, bound in place of the mount; without a cgroup of its own, ours.
 */
export function bindOwnCgroup(
  mounts: readonly MountPlan[],
  namespaces: NamespacePlan,
  directory: string | undefined,
): void {
  if (isolates(namespaces, 'cgroup')) return;
  if (!isolates(namespaces, 'user') && !inUserNamespace()) return;
  for (const mount of mounts) {
    if (!('type' in mount.from) || mount.from.type !== 'cgroup2') continue;
    const source = directory ?? currentCgroup();
    if (source === undefined) return;
    mount.from = { source };
    mount.options = { ...mount.options, bind: 'recursive', data: [] };
  }
}
