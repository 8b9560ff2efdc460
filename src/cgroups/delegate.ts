// Giving a container its cgroup to manage (config-linux.md#cgroup-ownership; cgroup-v2.rst, "Delegation").

import { chownSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/generated/types.ts';
import { ENOENT } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import { words } from './cgroup-files.ts';

/** chown(2). */
const UNCHANGED = -1;

/** What the specification falls back to. */
const ALWAYS_DELEGATED = ['cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads'];

/** Whether the container process is to own the cgroup: it has a cgroup namespace of its own, and sees it writable. */
export function ownsCgroup({ linux, mounts }: Config): boolean {
  const ownNamespace = linux?.namespaces?.some(({ type, path }) => type === 'cgroup' && !path) ?? false;
  const writable =
    mounts?.some(
      ({ source, destination, options }) =>
        source === 'cgroup' && destination === '/sys/fs/cgroup' && !options?.includes('ro'),
    ) ?? false;
  return ownNamespace && writable;
}

/**
 * Makes a user the owner of the cgroup's directory and of the files that are safe to hand over, and of nothing else:
 * its limits stay ours. `uid` is the host's id of the user. Groups stay as they are.
 */
export function delegateCgroup(directory: string, uid: number): void {
  chown(directory, uid);
  for (const file of delegatedFiles()) chown(join(directory, file), uid);
}

/** The kernel's list (cgroups(7), /sys/kernel/cgroup/delegate). */
function delegatedFiles(): string[] {
  try {
    return words(readFileSync('/sys/kernel/cgroup/delegate', 'utf8'));
  } catch {
    return ALWAYS_DELEGATED;
  }
}

function chown(path: string, uid: number): void {
  try {
    chownSync(path, uid, UNCHANGED);
  } catch (error) {
    if (errnoOf(error) !== ENOENT) throw TsociError.from(`make user ${uid} the owner of ${path}`, error);
  }
}
