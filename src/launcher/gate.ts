// Whom a server answers: only a launcher that could have done the work itself with the same result. All is asked of the
// kernel, nothing of the launcher.

import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  AT_FDCWD,
  POLLIN,
  SO_PEERPIDFD,
  SOL_SOCKET,
  STATX_BASIC_STATS,
  STATX_MNT_ID,
} from '../linux/constants.ts';
import { check, closeDescriptor, poll } from '../linux/descriptor.ts';
import { cString, syscall } from '../linux/ffi.ts';
import { fieldOf, processStatus } from '../linux/procfs.ts';
import { isSamePlace, STATX_SIZE } from '../linux/statx.ts';
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

/**
 * The proc_pid_status(5) of the process at the other end, if that is a launcher of this build with the rights of ours, and is
 * there still.
 */
export function statusOfServed(socket: number): string | undefined {
  const pidfd = peerPidfd(socket);
  if (pidfd === undefined) return undefined;
  try {
    const { pid } = peerOf(socket);
    const status = processStatus(pid);
    const same = isLauncher(pid) && isLikeUs(pid, status);
    // Looked at last: a process that is there now was there all the time, so the number was its own.
    const [ended = 1] = poll([{ fd: pidfd, events: POLLIN }], 0);
    return same && ended === 0 ? status : undefined;
  } catch {
    // It has ended, or is not ours to look at.
    return undefined;
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
function isLikeUs(pid: number, status: string): boolean {
  own ??= describe('self', processStatus('self'));
  return describe(pid, status) === own && isSamePlace(placeOf(`/proc/${pid}/root`), placeOf('/'));
}

/** Also of which mount it is: a root directory that is a bind mount of / has other mounts below it. */
function placeOf(path: string): Buffer {
  const stat = Buffer.alloc(STATX_SIZE);
  const wanted = STATX_BASIC_STATS | STATX_MNT_ID;
  check(`look at ${path}`, 'statx', AT_FDCWD, cString(path), 0, wanted, stat);
  return stat;
}

/** The rights, namespaces and label of a process, as one text to compare. */
function describe(pid: number | 'self', status: string): string {
  const rights = RIGHTS.map((field) => fieldOf(status, field));
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
