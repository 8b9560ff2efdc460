// runtime.md#delete.

import { whyUndying } from '../diagnosis/undying.ts';
import type { Caller } from '../launcher/caller.ts';
import { SIGTERM } from '../linux/constants.ts';
import { closeDescriptor, readable } from '../linux/descriptor.ts';
import { ESRCH } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import { syscall } from '../linux/ffi.ts';
import { isAlive } from '../linux/procfs.ts';
import { step } from '../linux/steps.ts';
import { SYS } from '../linux/syscalls.ts';
import { removeIntelRdt } from '../security/intel-rdt.ts';
import { ownCgroup, removeContainerCgroup } from './create/cgroup.ts';
import type { OptionalModules } from './create/optional-modules.ts';
import { runPoststop } from './create/poststop.ts';
import { killNow, sendSignal } from './kill.ts';
import { withLock } from './state/lock.ts';
import type { ContainerRecord } from './state/record.ts';
import {
  containerDirectory,
  currentStatus,
  isContainer,
  removeDirectory,
  tryReadRecord,
} from './state/store.ts';

export interface DeleteOptions {
  root: string;
  id: string;
  /** Kills the container first if it has not stopped. */
  force: boolean;
}

/** How long a process may take to end after SIGKILL, in milliseconds. */
const KILL_TIMEOUT = 10_000;

export async function deleteContainer(caller: Caller, { root, id, force }: DeleteOptions): Promise<void> {
  const found = tryReadRecord(containerDirectory(root, id));
  const systemd = await systemdFor(found);
  // Ended before the lock is taken. `create` and `start` hold the lock while they wait for hooks, and `start` for init, which
  // the container may have stopped.
  if (force && found) end(found);
  withLock(root, id, (directory) => {
    const record = tryReadRecord(directory);
    if (!record) return removeRemains(directory, id);
    const status = currentStatus(directory, record);
    if (status !== 'stopped') {
      if (!force) throw new TsociError(`delete ${id}: the container is ${status}, not stopped`);
      killAndWait(record);
    }
    destroy(caller, directory, record, systemd);
  });
}

/** Ends a container; one that is being created is taken back by the process that creates it. */
function end(record: ContainerRecord): void {
  const { creator } = record;
  if (!creator) return killNow(record);
  try {
    sendSignal(creator, SIGTERM);
  } catch (error) {
    // It has ended by itself, or was killed.
    if (errnoOf(error) !== ESRCH) throw error;
  }
}

/** What a `create` left that was killed before there was a record. */
function removeRemains(directory: string, id: string): void {
  if (!isContainer(directory))
    throw new TsociError(
      `delete ${id}: ${directory} is not the directory of a container: it has no state.json`,
    );
  removeDirectory(directory);
}

/** The module that removes the container's unit of systemd, if it has one. It is loaded before a lock is taken. */
export async function systemdFor(record: ContainerRecord | undefined): Promise<OptionalModules['systemd']> {
  return record?.unit && (await import('./create/systemd-scope.ts'));
}

/** runtime.md#lifecycle, steps 12 and 13. */
export function destroy(
  caller: Caller,
  directory: string,
  record: ContainerRecord,
  systemd: OptionalModules['systemd'],
): void {
  step(`remove container ${record.id}`);
  if (record.unit && systemd) systemd.removeUnit(caller, record.unit, ownCgroup(record));
  else removeContainerCgroup(record);
  if (record.intelRdt) removeIntelRdt(record.intelRdt);
  removeDirectory(directory);
  runPoststop(caller, record);
}

/** SIGKILL, and the wait for what it does. */
export function killAndWait(record: ContainerRecord): void {
  const { init } = record;
  const pidfd = init ? syscall(SYS.pidfd_open, init.pid, 0) : -1;
  try {
    killNow(record);
    if (!init || pidfd < 0 || !isAlive(init.pid, init.startTime)) return;
    if (!readable(pidfd, KILL_TIMEOUT))
      throw new TsociError(`process ${init.pid} does not end after SIGKILL${whyUndying(init.pid)}`);
  } finally {
    if (pidfd >= 0) closeDescriptor(pidfd);
  }
}
