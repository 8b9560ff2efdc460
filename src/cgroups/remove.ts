// Removing the container's cgroup and whatever is in it.

import { lstatSync, rmdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { EBUSY, ENODEV, ENOENT } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import { step } from '../linux/steps.ts';
import { waitUntil } from '../linux/wait-until.ts';
import { killCgroup, processesOf } from './cgroup-processes.ts';
import { eachBelow } from './tree.ts';

const STICKY = 0o1000;

/**
 * The mode of directories that tsoci makes. The sticky bit, which nobody else sets in a cgroup tree, is the mark by
 * which a later `delete` knows a parent as ours: set by mkdir(2) itself, it needs no bookkeeping and survives a `create`
 * that was killed. It does no harm: in a sticky directory only owners remove entries (inode(7)), as is right here too.
 */
export const MADE_BY_TSOCI = STICKY | 0o755;

/** Whether tsoci made a cgroup of this mode; of the other bits the umask may have taken some. */
export function isMadeByTsoci(mode: number): boolean {
  return (mode & STICKY) !== 0;
}

const TIMEOUT_MS = 10_000;

/**
 * Removes a cgroup with all below it, killing the processes that are in it, and then the parents above that tsoci made
 * and that are empty. A cgroup that is gone already is no error.
 */
export function removeCgroup(directory: string, mountPoint: string, timeoutMs: number = TIMEOUT_MS): void {
  if (!removeTree(directory)) {
    killCgroup(directory);
    if (!waitUntil(() => removeTree(directory), timeoutMs)) {
      const pids = processesOf(directory).join(', ');
      throw TsociError.fromErrno(
        `remove cgroup ${directory}`,
        EBUSY,
        `${pids ? `process ${pids}` : 'something'} is still in it ${timeoutMs} ms after SIGKILL`,
      );
    }
  }
  removeEmpty(dirname(directory), mountPoint);
}

/** Removes a cgroup and its parents, up to the first that is in use or that tsoci did not make. */
export function removeEmpty(directory: string, mountPoint: string): void {
  for (let at = directory; at.startsWith(`${mountPoint}/`); at = dirname(at)) if (!removeIfOurs(at)) return;
}

/** Tries to remove a cgroup and its children; false if something in it is alive. */
function removeTree(directory: string): boolean {
  if (rmdir(directory)) return true;
  eachBelow(directory, rmdir);
  return rmdir(directory);
}

/** Whether the cgroup is gone; false if it has processes or children (EBUSY). */
function rmdir(directory: string): boolean {
  step(`remove cgroup ${directory}`);
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === ENOENT || errno === ENODEV) return true;
    if (errno === EBUSY) return false;
    throw TsociError.from(`remove cgroup ${directory}`, error);
  }
}

function removeIfOurs(directory: string): boolean {
  try {
    if (!isMadeByTsoci(lstatSync(directory).mode)) return false;
    rmdirSync(directory);
    return true;
  } catch (error) {
    return errnoOf(error) === ENOENT;
  }
}
