// runtime.md#kill.

import { killCgroup, processesOf } from '../cgroups/cgroup-processes.ts';
import { SIGKILL } from '../linux/constants.ts';
import { closeDescriptor } from '../linux/descriptor.ts';
import { ESRCH } from '../linux/errno.ts';
import { TsociError } from '../linux/errors.ts';
import { syscall } from '../linux/ffi.ts';
import { isAlive, type ProcessIdentity } from '../linux/procfs.ts';
import { SYS } from '../linux/syscalls.ts';
import { ownCgroup } from './create/cgroup.ts';
import type { ContainerRecord } from './state/record.ts';
import { containerDirectory, currentStatus, readRecord } from './state/store.ts';

export interface KillOptions {
  root: string;
  id: string;
  /** The number of the signal. */
  signal: number;
  /** To every process in the container's cgroup, not only init. */
  all: boolean;
}

/** Takes no turn (lock.ts): another command may hold the lock and wait for what only a signal brings about. */
export function killContainer({ root, id, signal, all }: KillOptions): void {
  const record = readRecord(root, id);
  const status = currentStatus(containerDirectory(root, id), record);
  if (all) return killAll(record, signal);
  if (status === 'stopped' || status === 'creating' || !record.init) {
    throw new TsociError(`kill ${id}: the container is ${status}: container not running`);
  }
  sendSignal(record.init, signal);
}

/** Signals a process that cannot be mistaken for another: what a pid means may change, a pidfd stays. */
export function sendSignal({ pid, startTime }: ProcessIdentity, signal: number): void {
  const doing = `send signal ${signal} to process ${pid}`;
  const pidfd = syscall(SYS.pidfd_open, pid, 0);
  if (pidfd < 0) throw TsociError.fromErrno(doing, -pidfd);
  try {
    // Looked at after the pidfd was opened: it is this process, or gone.
    if (!isAlive(pid, startTime)) throw TsociError.fromErrno(doing, ESRCH);
    const result = syscall(SYS.pidfd_send_signal, pidfd, signal, null, 0);
    if (result < 0) throw TsociError.fromErrno(doing, -result);
  } finally {
    closeDescriptor(pidfd);
  }
}

function killAll(record: ContainerRecord, signal: number): void {
  if (!record.cgroup)
    throw new TsociError(`kill --all ${record.id}: the container has no cgroup to find its processes`);
  const cgroup = ownCgroup(record);
  if (!cgroup) return;
  if (signal === SIGKILL) return killCgroup(cgroup);
  for (const pid of processesOf(cgroup)) syscall(SYS.kill, pid, signal);
}

/** SIGKILL to init, if it lives, and to what it would leave behind. */
export function killNow(record: ContainerRecord): void {
  if (record.init && isAlive(record.init.pid, record.init.startTime)) {
    try {
      sendSignal(record.init, SIGKILL);
    } catch {
      // It has ended by itself meanwhile.
    }
  }
  const cgroup = ownCgroup(record);
  if (cgroup) killCgroup(cgroup);
}
