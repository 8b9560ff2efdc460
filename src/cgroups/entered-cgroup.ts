// A cgroup that a process starts in which comes into a container.

import { constants, openSync } from 'node:fs';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  MOUNT_ATTR_RDONLY,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from '../linux/constants.ts';
import { check, closeDescriptor } from '../linux/descriptor.ts';
import { EPERM } from '../linux/errno.ts';
import { TsociError } from '../linux/errors.ts';
import { cString, syscall } from '../linux/ffi.ts';
import { SYS } from '../linux/syscalls.ts';

export interface EnteredCgroup {
  /** Its absolute directory. */
  directory: string;
  /** A descriptor of ours, for clone3(2). */
  fd: number;
}

/**
 * Opens it as a read-only clone of its mount that is attached nowhere. The process has the descriptor when it appears in the
 * container, where others who have CAP_SYS_PTRACE may look through it: nothing leads up to the host, and no limit can be written.
 */
export function openEntered(directory: string): EnteredCgroup {
  const doing = `open cgroup ${directory}`;
  const fd = syscall(SYS.open_tree, AT_FDCWD, cString(directory), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  // Without the right to mount there is none to enter a mount namespace of others either.
  if (fd === -EPERM) return { directory, fd: openPlainly(directory, doing) };
  if (fd < 0) throw TsociError.fromErrno(doing, -fd);
  try {
    // struct mount_attr: attr_set, attr_clr, propagation, userns_fd.
    const attributes = new Uint8Array(new BigUint64Array([BigInt(MOUNT_ATTR_RDONLY), 0n, 0n, 0n]).buffer);
    check(doing, 'mount_setattr', fd, cString(''), AT_EMPTY_PATH, attributes, attributes.length);
    return { directory, fd };
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
}

function openPlainly(directory: string, doing: string): number {
  try {
    return openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    throw TsociError.from(doing, error);
  }
}
