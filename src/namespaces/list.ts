// Which process is in which namespaces, and who else is in them (namespaces(7)).

import { statSync } from 'node:fs';
import { allPids } from '../linux/procfs.ts';
import { namespaceOf } from './enter.ts';
import { type NamespaceType, namespaceTypes } from './namespace-plan.ts';
import type { Pin } from './pins.ts';

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

/** Namespaces that are kept by a name. */
export interface PinView {
  name: string;
  pinned: true;
  namespaces: Readonly<Partial<Record<NamespaceType, NamespaceView & { path: string }>>>;
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

/** The same of pins. Their users may be no more. */
export function viewPins(pins: readonly Pin[]): PinView[] {
  const all = everyone();
  const own = inodesOf('self');
  return pins.map(({ name, paths }) => {
    const entries = Object.entries(paths).map(([type, path]) => {
      const inode = statSync(path).ino;
      const kind = type as NamespaceType;
      const pids = all.filter(({ inodes }) => inodes[kind] === inode).map(({ pid }) => pid);
      return [type, { inode, host: own[kind] === inode, pids, path }];
    });
    return { name, pinned: true, namespaces: Object.fromEntries(entries) };
  });
}

/** All processes, with the namespaces that each is in. */
export function everyone(): { pid: number; inodes: Inodes }[] {
  return allPids()
    .map((pid) => ({ pid, inodes: inodesOf(pid) }))
    .sort((a, b) => a.pid - b.pid);
}

/** What may not be read is left out. */
export function inodesOf(pid: number | 'self'): Inodes {
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
