// Descriptors of our own process: sockets, duplicates, descriptor passing.

import { constants } from 'node:fs';
import {
  AF_UNIX,
  MSG_CMSG_CLOEXEC,
  MSG_NOSIGNAL,
  O_CLOEXEC,
  POLLIN,
  SCM_RIGHTS,
  SOCK_CLOEXEC,
  SOL_SOCKET,
} from './constants.ts';
import { EINTR } from './errno.ts';
import { TsociError } from './errors.ts';
import { type Argument, addressOf, syscall } from './ffi.ts';
import { SYS, type SyscallName } from './syscalls.ts';
import { callersHangup, giveUp } from './wanted.ts';

/** fcntl.h */
const F_GETFL = 3;
const F_SETFL = 4;

/** A system call that throws `doing: ERRNO (…)` when it fails. Interrupted calls are repeated. */
export function check(doing: string, call: SyscallName, ...args: Argument[]): number {
  for (;;) {
    const result = syscall(SYS[call], ...args);
    if (result >= 0) return result;
    if (result !== -EINTR) throw TsociError.fromErrno(doing, -result);
  }
}

/** A connected pair of close-on-exec sockets of the given type. */
export function socketPair(type: number): [number, number] {
  const pair = new Int32Array(2);
  const bytes = new Uint8Array(pair.buffer);
  check('make a socket pair', 'socketpair', AF_UNIX, type | SOCK_CLOEXEC, 0, bytes);
  return [pair[0] ?? -1, pair[1] ?? -1];
}

/** The two ends of a close-on-exec pipe. */
export function makePipe(): { reader: number; writer: number } {
  const ends = new Int32Array(2);
  check('make a pipe', 'pipe2', new Uint8Array(ends.buffer), O_CLOEXEC);
  return { reader: ends[0] ?? -1, writer: ends[1] ?? -1 };
}

export function closeDescriptor(fd: number): void {
  syscall(SYS.close, fd);
}

export function send(fd: number, bytes: Uint8Array, doing: string): void {
  check(doing, 'sendto', fd, bytes, bytes.length, MSG_NOSIGNAL, 0, 0);
}

/** One message into `buffer`: its length in bytes, 0 at end of file. */
export function receive(fd: number, buffer: Uint8Array, doing: string): number {
  return check(doing, 'recvfrom', fd, buffer, buffer.length, 0, 0, 0);
}

/** What is waited for, or what has come (poll(2)). */
export interface Poll {
  fd: number;
  /** POLLIN, POLLOUT */
  events: number;
}

/**
 * What has come of what is waited for, in the same order (0: nothing), after at most that many milliseconds; -1 waits
 * for ever. Signals that an engine sends to its own threads do not end the wait. Throws CallerGone when the caller is killed
 * meanwhile.
 */
export function poll(wanted: readonly Poll[], milliseconds: number): number[] {
  const caller = callersHangup();
  const all = caller === undefined ? wanted : [...wanted, { fd: caller, events: 0 }];
  const pollfds = Buffer.alloc(all.length * POLLFD_SIZE);
  all.forEach(({ fd, events }, i) => {
    pollfds.writeInt32LE(fd, i * POLLFD_SIZE);
    pollfds.writeInt16LE(events, i * POLLFD_SIZE + 4);
  });
  const doing = `wait for descriptor ${wanted.map(({ fd }) => fd).join(', ')}`;
  // Linux writes what is left of the time into it, also when a signal comes (ppoll(2)).
  const timeout = milliseconds < 0 ? null : timespec(milliseconds);
  check(doing, 'ppoll', pollfds, all.length, timeout, 0, 0);
  const come = all.map((_, i) => pollfds.readInt16LE(i * POLLFD_SIZE + 6));
  if (caller !== undefined && come.pop()) giveUp();
  return come;
}

/** Waits until `fd` has something to read. What comes of others meanwhile is handed on, in the order of what is `wanted`. */
export function pollUntil(fd: number, wanted: () => Poll[], come: (revents: number[]) => void): void {
  for (;;) {
    const [end, ...others] = poll([{ fd, events: POLLIN }, ...wanted()], -1);
    if (others.some((revents) => revents !== 0)) come(others);
    if (end) return;
  }
}

/** struct timespec: seconds, nanoseconds. */
export function timespec(milliseconds: number): Buffer {
  const timespec = Buffer.alloc(16);
  timespec.writeBigInt64LE(BigInt(Math.floor(milliseconds / 1000)), 0);
  timespec.writeBigInt64LE(BigInt(Math.floor((milliseconds % 1000) * 1e6)), 8);
  return timespec;
}

/** struct pollfd: fd, events, revents. */
const POLLFD_SIZE = 8;

/** Whether `fd` has something to read (or has reached its end) within `milliseconds`; -1 waits for ever. */
export function readable(fd: number, milliseconds: number): boolean {
  return poll([{ fd, events: POLLIN }], milliseconds)[0] !== 0;
}

/** Has reads and writes on the descriptor, and on all that share its open file, fail with EAGAIN instead of waiting. */
export function makeNonBlocking(fd: number): void {
  const doing = `make descriptor ${fd} non-blocking`;
  check(doing, 'fcntl', fd, F_SETFL, check(doing, 'fcntl', fd, F_GETFL) | constants.O_NONBLOCK);
}

// struct msghdr: name, namelen, iov, iovlen, control, controllen, flags (x86-64 and arm64: 56 bytes).
function messageHeader(iov: Uint8Array, control: Uint8Array): Buffer {
  const header = Buffer.alloc(56);
  header.writeBigUInt64LE(addressOf(iov), 16);
  header.writeBigUInt64LE(1n, 24);
  header.writeBigUInt64LE(addressOf(control), 32);
  header.writeBigUInt64LE(BigInt(control.length), 40);
  return header;
}

function vector(bytes: Uint8Array): Buffer {
  const iov = Buffer.alloc(16);
  iov.writeBigUInt64LE(addressOf(bytes), 0);
  iov.writeBigUInt64LE(BigInt(bytes.length), 8);
  return iov;
}

/** How many descriptors one message takes at most (unix(7), SCM_MAX_FD). */
export const MOST_RIGHTS = 253;

/** A control message that carries descriptors (cmsg(3)). */
export function rightsMessage(fds: readonly number[]): Buffer {
  const length = 16 + fds.length * 4;
  const control = Buffer.alloc((length + 7) & ~7);
  control.writeBigUInt64LE(BigInt(length), 0);
  control.writeInt32LE(SOL_SOCKET, 8);
  control.writeInt32LE(SCM_RIGHTS, 12);
  fds.forEach((fd, i) => {
    control.writeInt32LE(fd, 16 + i * 4);
  });
  return control;
}

/** Sends bytes with descriptors (SCM_RIGHTS of unix(7)). */
export function sendDescriptors(
  socket: number,
  bytes: Uint8Array,
  fds: readonly number[],
  doing: string,
): void {
  const iov = vector(bytes);
  const control = rightsMessage(fds);
  check(doing, 'sendmsg', socket, messageHeader(iov, control), MSG_NOSIGNAL, bytes, iov, control);
}

/** Receives bytes with at most `most` descriptors, which are close-on-exec. */
export function receiveDescriptors(
  socket: number,
  buffer: Uint8Array,
  most: number,
  doing: string,
): { length: number; fds: number[] } {
  const iov = vector(buffer);
  const control = Buffer.alloc((16 + most * 4 + 7) & ~7);
  const header = messageHeader(iov, control);
  const length = check(doing, 'recvmsg', socket, header, MSG_CMSG_CLOEXEC, buffer, iov, control);
  return { length, fds: rightsIn(control) };
}

/** The descriptors in what recvmsg(2) has left of a control buffer, which is zero where none have come. */
export function rightsIn(control: Buffer): number[] {
  const fds: number[] = [];
  if (control.readInt32LE(8) === SOL_SOCKET && control.readInt32LE(12) === SCM_RIGHTS) {
    const end = Number(control.readBigUInt64LE(0));
    for (let at = 16; at + 4 <= end; at += 4) fds.push(control.readInt32LE(at));
  }
  return fds;
}
