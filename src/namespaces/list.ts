// Which process is in which namespaces, and who else is in them (namespaces(7)).

import { allPids } from '../linux/procfs.ts';
import { namespaceOf } from './enter.ts';
import { type NamespaceType, namespaceTypes } from './namespace-plan.ts';

/** In the order of ls /proc/PID/ns, as people know them. */
export const NAMESPACES: readonly NamespaceType[] = [
  'cgroup',
  'ipc',
  'mount',
  'network',
  'pid',
  'time',
  'user',
  'uts',
];

export interface NamespaceView {
  /** The inode number, which names the namespace while it exists. */
  inode: number;
  /** Whether it is that of the process that asks. */
  host: boolean;
  /** All processes in it that may be looked at, in order. */
  pids: readonly number[];
}

export interface ProcessView {
  /** What it was asked for by: a container's id or a pid. */
  name: string;
  pid: number;
  namespaces: Readonly<Record<NamespaceType, NamespaceView>>;
}

/** Namespaces of a process by their types; what may not be read is left out. */
type Inodes = Partial<Record<NamespaceType, number>>;

/** The processes asked for, side by side. */
export function viewNamespaces(asked: readonly { name: string; pid: number }[]): ProcessView[] {
  const all = everyone();
  const own = inodesOf('self');
  return asked.map(({ name, pid }) => {
    const view = (type: NamespaceType): NamespaceView => {
      const inode = inodeOf(pid, type);
      const pids = all.filter(({ inodes }) => inodes[type] === inode).map((other) => other.pid);
      return { inode, host: own[type] === inode, pids };
    };
    const entries = NAMESPACES.map((type) => [type, view(type)] as const);
    return { name, pid, namespaces: Object.fromEntries(entries) as ProcessView['namespaces'] };
  });
}

function everyone(): { pid: number; inodes: Inodes }[] {
  return allPids()
    .map((pid) => ({ pid, inodes: inodesOf(pid) }))
    .sort((a, b) => a.pid - b.pid);
}

function inodesOf(pid: number | 'self'): Inodes {
  const inodes: Inodes = {};
  for (const type of NAMESPACES) {
    try {
      inodes[type] = inodeOf(pid, type);
    } catch {
      // The process has ended, or belongs to somebody else.
    }
  }
  return inodes;
}

function inodeOf(pid: number | 'self', type: NamespaceType): number {
  return Number(/\[(\d+)\]/.exec(namespaceOf(pid, namespaceTypes[type].file))?.[1]);
}
