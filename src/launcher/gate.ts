// Whom a server answers: only a launcher that could have done the work itself with the same result. All is asked of the
// kernel, nothing of the launcher.

import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { POLLIN, SO_PEERPIDFD, SOL_SOCKET } from '../linux/constants.ts';
import { closeDescriptor, poll } from '../linux/descriptor.ts';
import { syscall } from '../linux/ffi.ts';
import { SYS } from '../linux/syscalls.ts';
import { peerOf } from './request.ts';

/** Fields of /proc/PID/status that decide what a process may do (proc_pid_status(5)). */
const RIGHTS = ['Uid', 'Gid', 'Groups', 'CapPrm', 'CapEff', 'CapBnd', 'NoNewPrivs', 'Seccomp'];
const NAMESPACES = [
  'cgroup',
  'ipc',
  'mnt',
  'net',
  'pid',
  'pid_for_children',
  'time',
  'time_for_children',
  'user',
  'uts',
];

/** Whether the process at the other end is a launcher of this build with the rights of ours, and is there still. */
export function mayServe(socket: number): boolean {
  const pidfd = peerPidfd(socket);
  if (pidfd === undefined) return false;
  try {
    const { pid } = peerOf(socket);
    const same = isLauncher(pid) && isLikeUs(pid);
    // Looked at last: a process that is there now was there all the time, so the number was its own.
    const [ended = 1] = poll([{ fd: pidfd, events: POLLIN }], 0);
    return same && ended === 0;
  } catch {
    // It has ended, or is not ours to look at.
    return false;
  } finally {
    closeDescriptor(pidfd);
  }
}

/** Of the process that connected: a number alone may be another's by now. Since Linux 6.5. */
function peerPidfd(socket: number): number | undefined {
  const value = Buffer.alloc(4);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(value.length);
  const result = syscall(SYS.getsockopt, socket, SOL_SOCKET, SO_PEERPIDFD, value, length);
  return result < 0 ? undefined : value.readInt32LE(0);
}

let own: string | undefined;

/** What no process of ours changes of itself is looked up once. Where / is, others can change (pivot_root(2)). */
function isLikeUs(pid: number): boolean {
  own ??= describe('self');
  return describe(pid) === own && isSameFile(`/proc/${pid}/root`, '/');
}

/** The rights, namespaces and label of a process, as one text to compare. */
function describe(pid: number | 'self'): string {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const rights = RIGHTS.map((field) => new RegExp(`^${field}:.*$`, 'm').exec(status)?.[0]);
  const namespaces = NAMESPACES.map((file) => readlinkSync(`/proc/${pid}/ns/${file}`));
  return [...rights, ...namespaces, label(pid)].join('\n');
}

function label(pid: number | 'self'): string {
  try {
    return readFileSync(`/proc/${pid}/attr/current`, 'latin1');
  } catch {
    // No module has one.
    return '';
  }
}

/** Whether a process executes the launcher that belongs to this runtime. */
function isLauncher(pid: number): boolean {
  const beside = dirname(process.execPath);
  const candidates = [join(beside, 'tsoci'), join(beside, '..', '..', 'bin', 'tsoci')];
  return !isReplaced() && candidates.some((path) => isSameFile(`/proc/${pid}/exe`, path));
}

/** Whether another build has taken the place of this runtime. A server that still runs answers nobody then. */
export function isReplaced(): boolean {
  return !isSameFile('/proc/self/exe', process.execPath);
}

function isSameFile(one: string, other: string): boolean {
  const [first, second] = [one, other].map((path) => statSync(path, { throwIfNoEntry: false }));
  return first !== undefined && first.ino === second?.ino && first.dev === second.dev;
}
