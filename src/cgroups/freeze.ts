// Pause and resume: the cgroup v2 freezer (cgroup-v2.rst, cgroup.freeze).

import { dirname } from 'node:path';
import { TsociError } from '../linux/errors.ts';
import { waitUntil } from '../linux/wait-until.ts';
import { tryReadCgroupFile, writeCgroupFile } from './cgroup-files.ts';
import { isFrozen } from './cgroup-processes.ts';

const TIMEOUT_MS = 10_000;

/**
 * Stops every process of the cgroup and below, and waits until the kernel says that all are stopped. If one does not
 * stop in time (it hangs in the kernel), thaws again and throws.
 */
export function freezeCgroup(directory: string, timeoutMs: number = TIMEOUT_MS): void {
  writeCgroupFile(directory, 'cgroup.freeze', '1');
  if (waitUntil(() => isFrozen(directory), timeoutMs)) return;
  writeCgroupFile(directory, 'cgroup.freeze', '0');
  throw new TsociError(`freeze cgroup ${directory}: not frozen after ${timeoutMs} ms; thawed again`);
}

/** Lets the processes go on, and waits until the kernel says so. An ancestor that is frozen keeps them stopped: an error. */
export function thawCgroup(directory: string, timeoutMs: number = TIMEOUT_MS): void {
  writeCgroupFile(directory, 'cgroup.freeze', '0');
  const above = dirname(directory);
  // The root of the hierarchy has no such file.
  if (tryReadCgroupFile(above, 'cgroup.events') !== undefined && isFrozen(above))
    throw new TsociError(`thaw cgroup ${directory}: cgroup ${above} is frozen, with all that is below it`);
  if (waitUntil(() => !isFrozen(directory), timeoutMs)) return;
  throw new TsociError(`thaw cgroup ${directory}: still frozen after ${timeoutMs} ms`);
}
