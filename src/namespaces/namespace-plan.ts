// config-linux.md#namespaces: which namespaces are made, which are joined.

import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
} from '../linux/constants.ts';

export type NamespaceType = 'mount' | 'pid' | 'network' | 'uts' | 'ipc' | 'user' | 'cgroup' | 'time';

/** The flag of clone(2) and the file in /proc/PID/ns of each type. */
export const namespaceTypes: Readonly<Record<NamespaceType, { flag: number; file: string }>> = {
  mount: { flag: CLONE_NEWNS, file: 'mnt' },
  pid: { flag: CLONE_NEWPID, file: 'pid' },
  network: { flag: CLONE_NEWNET, file: 'net' },
  uts: { flag: CLONE_NEWUTS, file: 'uts' },
  ipc: { flag: CLONE_NEWIPC, file: 'ipc' },
  user: { flag: CLONE_NEWUSER, file: 'user' },
  cgroup: { flag: CLONE_NEWCGROUP, file: 'cgroup' },
  time: { flag: CLONE_NEWTIME, file: 'time' },
};

export const allTypes = Object.keys(namespaceTypes) as readonly NamespaceType[];

export interface NamespacePlan {
  /** Types made anew. */
  create: ReadonlySet<NamespaceType>;
  /** Types joined, with the path that leads to each. */
  join: readonly { type: NamespaceType; path: string }[];
}

export function planNamespaces(
  namespaces: readonly { type: string; path?: string | undefined }[],
): NamespacePlan {
  const create = new Set<NamespaceType>();
  const join: { type: NamespaceType; path: string }[] = [];
  for (const { type, path } of namespaces) {
    if (path) join.push({ type: type as NamespaceType, path });
    else create.add(type as NamespaceType);
  }
  return { create, join };
}

/** Whether the container has a namespace of this type that is not the runtime's. */
export function isolates(plan: NamespacePlan, type: NamespaceType): boolean {
  return plan.create.has(type) || joins(plan, type);
}

/** Whether the container joins a namespace of this type that was there before it. */
export function joins({ join }: NamespacePlan, type: NamespaceType): boolean {
  return join.some((joined) => joined.type === type);
}

/**
 * Whether the user namespace is made before init. A time namespace always is, for its offsets. Who has no right to that on
 * the host (`uid` is not root's) has it in the user namespace of the container, which then must be there first.
 */
export function userComesFirst({ create }: NamespacePlan, uid: number): boolean {
  return uid !== 0 && create.has('user') && create.has('time');
}

/**
 * Flags of the namespaces that clone3(2) makes together with init. A time namespace is made before it, since its offsets must
 * be written before a process is in it (time_namespaces(7)); others are made after it (lateFlags).
 */
export function cloneFlags(plan: NamespacePlan): number {
  const late = lateTypes(plan);
  return flagsOf([...plan.create].filter((type) => type !== 'time' && !late.includes(type)));
}

/** Flags of the namespaces that init makes itself (unshare(2)), once it is in its cgroup and root of its user namespace. */
export function lateFlags(plan: NamespacePlan): number {
  return flagsOf(lateTypes(plan));
}

/**
 * The types that init makes itself. The root of a cgroup namespace is the cgroup of its maker (cgroup_namespaces(7)). The
 * message queues of an ipc namespace belong to the user that makes it, who must be root of the container, not of the host.
 */
function lateTypes({ create }: NamespacePlan): NamespaceType[] {
  const late: NamespaceType[] = create.has('user') ? ['cgroup', 'ipc'] : ['cgroup'];
  return late.filter((type) => create.has(type));
}

function flagsOf(types: readonly NamespaceType[]): number {
  return types.reduce((flags, type) => flags | namespaceTypes[type].flag, 0);
}
