// runtime.md#kill.

import { killCgroup } from '../cgroups/cgroup-processes.ts';
import { SIGKILL } from '../linux/constants.ts';
import { closeDescriptor } from '../linux/descriptor.ts';
import { ESRCH } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import { syscall } from '../linux/ffi.ts';
import { isAlive, type ProcessIdentity } from '../linux/procfs.ts';
import { step } from '../linux/steps.ts';
import { SYS } from '../linux/syscalls.ts';
import { waitUntil } from '../linux/wait-until.ts';
import type { HeldNamespace } from '../namespaces/members.ts';
import { ownCgroup } from './create/cgroup.ts';
import { holdOwnNamespace, membersOf } from './processes.ts';
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

/** How long a container without a cgroup may go on making processes while they are killed, in milliseconds. */
const KILL_TIMEOUT = 10_000;

/** Takes no lock (lock.ts): another command may hold it and wait for what only a signal brings about. */
export function killContainer({ root, id, signal, all }: KillOptions): void {
  const record = readRecord(root, id);
  const status = currentStatus(containerDirectory(root, id), record);
  if (all) return signalAll(record, signal);
  const killsAll = signal === SIGKILL && outliveInit(record) && status !== 'creating';
  const hasEnded = status === 'stopped' || status === 'creating' || !record.init;
  // By `kill KILL` engines end, as with runc, what the container's process has left behind.
  if (killsAll && (!hasEnded || membersOf(record).length > 0)) return killNow(record);
  if (hasEnded || !record.init)
    throw new TsociError(`kill ${id}: the container is ${status}: container not running`);
  try {
    sendSignal(record.init, signal);
  } catch (error) {
    if (errnoOf(error) !== ESRCH) throw error;
    throw new TsociError(`kill ${id}: the container has stopped: container not running`);
  }
}

/** Whether other processes of the container live on without its init, which then is no init of a pid namespace. */
function outliveInit({ pidInside }: ContainerRecord): boolean {
  return pidInside !== 1;
}

/** Signals a process that cannot be mistaken for another. */
export function sendSignal({ pid, startTime }: ProcessIdentity, signal: number): void {
  const result = signalIf(pid, () => isAlive(pid, startTime), signal);
  if (result < 0) throw TsociError.fromErrno(`send signal ${signal} to process ${pid}`, -result);
}

/**
 * The result is 0 or -errno. A pid may come to mean another process, a pidfd cannot: once it is open, `isMeant` tells
 * whether it is that of the right process.
 */
function signalIf(pid: number, isMeant: () => boolean, signal: number): number {
  step(`send signal ${signal} to process ${pid}`);
  const pidfd = syscall(SYS.pidfd_open, pid, 0);
  if (pidfd < 0) return pidfd;
  try {
    return isMeant() ? syscall(SYS.pidfd_send_signal, pidfd, signal, null, 0) : -ESRCH;
  } finally {
    closeDescriptor(pidfd);
  }
}

function signalAll(record: ContainerRecord, signal: number): void {
  if (signal === SIGKILL) return killNow(record);
  for (const pid of membersOf(record)) syscall(SYS.kill, pid, signal);
}

/** SIGKILL to init, if it lives, and to what it would leave behind. */
export function killNow(record: ContainerRecord): void {
  // The namespace is found through init, so it is opened before init ends.
  using namespace = record.cgroup === undefined && outliveInit(record) ? holdOwnNamespace(record) : undefined;
  // Looked at before as well: where there is nothing to do, nothing can fail.
  if (record.init && isAlive(record.init.pid, record.init.startTime)) {
    const { pid, startTime } = record.init;
    const result = signalIf(pid, () => isAlive(pid, startTime), SIGKILL);
    if (result < 0 && result !== -ESRCH) throw TsociError.fromErrno(`kill process ${pid}`, -result);
  }
  const cgroup = ownCgroup(record);
  if (cgroup) killCgroup(cgroup);
  else if (namespace) killMembers(record.id, namespace);
}

/** Kills all processes of a namespace, and those that they make meanwhile. */
function killMembers(id: string, namespace: HeldNamespace): void {
  const killed = new Set<number>();
  const killNew = () => {
    const found = namespace.members().filter((pid) => !killed.has(pid));
    for (const pid of found) {
      signalIf(pid, () => namespace.has(pid), SIGKILL);
      killed.add(pid);
    }
    return found.length === 0;
  };
  if (!waitUntil(killNew, KILL_TIMEOUT))
    throw new TsociError(`kill ${id}: after ${KILL_TIMEOUT} ms its processes still make new ones`);
}
