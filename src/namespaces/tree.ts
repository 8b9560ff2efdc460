// Which namespace belongs to which: a user namespace owns others, and it and a pid namespace have a parent (ioctl_ns(2)).

import { closeSync, fstatSync, openSync } from 'node:fs';
import { NS_GET_PARENT, NS_GET_USERNS } from '../linux/constants.ts';
import { syscall } from '../linux/ffi.ts';
import { SYS } from '../linux/syscalls.ts';
import { everyone, inodesOf } from './list.ts';
import { allTypes, type NamespaceType, namespaceTypes } from './namespace-plan.ts';
import type { Pin } from './pins.ts';

export interface NamespaceNode {
  type: NamespaceType;
  inode: number;
  /** Whether it is that of the process that asks. */
  host: boolean;
  /** Names by which it is kept. */
  pinned: string[];
  pids: number[];
  /** Of a user namespace: what belongs to it, and its children. Of a pid namespace: its children of the same owner. */
  children: NamespaceNode[];
}

interface Found extends NamespaceNode {
  /** Inodes; undefined where they are out of sight, above our own user namespace. */
  owner: number | undefined;
  parent: number | undefined;
}

/** All namespaces that a process is in or a pin keeps, and those above them. */
export function namespaceTree(pins: readonly Pin[]): NamespaceNode[] {
  const found = new Map<number, Found>();
  const own = inodesOf('self');
  for (const { pid, inodes } of everyone())
    for (const type of allTypes) {
      const inode = inodes[type];
      if (inode === undefined) continue;
      const node =
        found.get(inode) ?? look(`/proc/${pid}/ns/${namespaceTypes[type].file}`, type, inode, found);
      node?.pids.push(pid);
    }
  for (const { name, paths } of pins)
    for (const [type, path] of Object.entries(paths))
      look(path, type as NamespaceType, undefined, found)?.pinned.push(name);
  for (const node of found.values()) node.host = own[node.type] === node.inode;
  return arrange([...found.values()]);
}

/** Undefined when the process has ended. `inode` is what was seen of it before. */
function look(
  path: string,
  type: NamespaceType,
  inode: number | undefined,
  found: Map<number, Found>,
): Found | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const node = learn(fd, type, found);
    return inode === undefined || node.inode === inode ? node : undefined;
  } finally {
    closeSync(fd);
  }
}

/** Takes in a namespace, and those above it. */
function learn(fd: number, type: NamespaceType, found: Map<number, Found>): Found {
  const inode = fstatSync(fd).ino;
  const known = found.get(inode);
  if (known) return known;
  const node: Found = {
    ...{ type, inode, host: false, pinned: [], pids: [], children: [] },
    owner: type === 'user' ? undefined : above(fd, NS_GET_USERNS, 'user', found),
    parent: type === 'user' || type === 'pid' ? above(fd, NS_GET_PARENT, type, found) : undefined,
  };
  found.set(inode, node);
  return node;
}

function above(
  fd: number,
  request: number,
  type: NamespaceType,
  found: Map<number, Found>,
): number | undefined {
  const other = syscall(SYS.ioctl, fd, request, 0);
  // EPERM: it is above ours, or there is none.
  if (other < 0) return undefined;
  try {
    return learn(other, type, found).inode;
  } finally {
    closeSync(other);
  }
}

function arrange(all: readonly Found[]): NamespaceNode[] {
  const nodes = new Map(
    all.map(({ type, inode, host, pinned, pids }): [number, NamespaceNode] => [
      inode,
      { type, inode, host, pinned, pids, children: [] },
    ]),
  );
  const byInode = new Map(all.map((one) => [one.inode, one]));
  const roots: NamespaceNode[] = [];
  for (const one of inOrder(all)) {
    const node = nodes.get(one.inode);
    const parent = one.parent === undefined ? undefined : byInode.get(one.parent);
    // A pid namespace of a user namespace of its own stands with its owner.
    const below = one.type === 'user' || parent?.owner === one.owner ? (one.parent ?? one.owner) : one.owner;
    const place = below === undefined ? undefined : nodes.get(below);
    if (node) (place?.children ?? roots).push(node);
  }
  return roots;
}

/** User namespaces last, and by age else. */
function inOrder(all: readonly Found[]): Found[] {
  const rank = ({ type }: Found) => (type === 'user' ? allTypes.length : allTypes.indexOf(type));
  return all.toSorted((a, b) => rank(a) - rank(b) || a.inode - b.inode);
}
