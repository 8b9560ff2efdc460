// The processes of a namespace.

import { closeSync, fstatSync, openSync, statSync } from 'node:fs';
import { allPids } from '../linux/procfs.ts';
import { type NamespaceType, namespaceTypes } from './namespace-plan.ts';

/** A namespace that a descriptor holds: until it is let go, no other namespace gets its inode number. */
export interface HeldNamespace extends Disposable {
  has(pid: number): boolean;
  /** The processes in it that may be looked at. */
  members(): number[];
}

/** A namespace of a process; undefined once the process has ended. */
export function holdNamespace(pid: number, type: NamespaceType): HeldNamespace | undefined {
  const { file } = namespaceTypes[type];
  let fd: number;
  try {
    fd = openSync(`/proc/${pid}/ns/${file}`, 'r');
  } catch {
    return undefined;
  }
  const { ino } = fstatSync(fd);
  const has = (member: number) => {
    try {
      return statSync(`/proc/${member}/ns/${file}`).ino === ino;
    } catch {
      // The process has ended, or belongs to somebody else.
      return false;
    }
  };
  return { has, members: () => allPids().filter(has), [Symbol.dispose]: () => closeSync(fd) };
}
