// A cgroup2 mount for a container without a cgroup namespace of its own.

import { currentCgroup, findHierarchy } from '../../cgroups/hierarchy.ts';
import { inUserNamespace } from '../../linux/procfs.ts';
import { isOurs } from '../../namespaces/enter.ts';
import { isolates, type NamespacePlan } from '../../namespaces/namespace-plan.ts';
import { bindInPlace } from '../../rootfs/host-filesystem.ts';
import type { MountPlan } from '../../rootfs/mount-plan.ts';

/**
 * Such a mount would be one more of the host's hierarchy, and its options would become the hierarchy's for everybody:
 * nsdelegate and memory_recursiveprot, which systemd sets, would be gone (cgroup-v2.rst, "Mounting"). So the host's mount
 * is bound in its place, with the attributes that the config asks for.
 *
 * A user namespace may not mount cgroup2 without a cgroup namespace either (cgroup_namespaces(7)). That container gets its
 * own cgroup, `directory`; without a cgroup of its own, ours.
 */
export function bindCgroup(
  mounts: readonly MountPlan[],
  namespaces: NamespacePlan,
  directory: string | undefined,
): void {
  const isCgroup = ({ from }: MountPlan) => 'type' in from && from.type === 'cgroup2';
  if (hasCgroupNamespace(namespaces) || !mounts.some(isCgroup)) return;
  const hierarchy = findHierarchy()?.mountPoint;
  if (hierarchy === undefined) return;
  const inUsers = isolates(namespaces, 'user') || inUserNamespace();
  const source = inUsers ? (directory ?? currentCgroup()) : hierarchy;
  for (const mount of mounts.filter(isCgroup)) bindInPlace(mount, hierarchy, source);
}

/** Whether it is new, or another's than the runtime's. */
function hasCgroupNamespace({ create, join }: NamespacePlan): boolean {
  const joined = join.find(({ type }) => type === 'cgroup');
  return create.has('cgroup') || (joined !== undefined && !isOurs('cgroup', joined.path));
}
