// Unix domain sockets (unix(7)). An address has room for 108 bytes, and a path may be longer: so it is given as a name in a
// directory that is open, /proc/self/fd/N/NAME.

import { closeSync, constants, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import {
  AF_UNIX,
  O_CLOEXEC,
  O_PATH,
  SO_SNDTIMEO,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
} from './constants.ts';
import { check, closeDescriptor, sendDescriptors } from './descriptor.ts';
import { EAGAIN } from './errno.ts';
import { TsociError } from './errors.ts';
import { syscall } from './ffi.ts';
import { step } from './steps.ts';
import { SYS } from './syscalls.ts';

export type SocketType = 'seqpacket' | 'stream' | 'datagram';

const types: Readonly<Record<SocketType, number>> = {
  seqpacket: SOCK_SEQPACKET,
  stream: SOCK_STREAM,
  datagram: SOCK_DGRAM,
};

/** A socket that listens at `path`, close-on-exec, for connections with messages, of which that many may wait. */
export function listenAt(path: string, backlog = 1): number {
  const doing = `listen at ${path}`;
  step(doing);
  const fd = bindTo(path, 'seqpacket', doing);
  try {
    check(doing, 'listen', fd, backlog);
    return fd;
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
}

/** A socket of that name, close-on-exec. */
export function bindTo(path: string, type: SocketType, doing: string): number {
  const directory = open(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY, doing);
  try {
    const address = unixAddress(`/proc/self/fd/${directory}/${basename(path)}\0`);
    return withSocket(type, doing, (fd) => {
      check(doing, 'bind', fd, address, address.length);
    });
  } finally {
    closeSync(directory);
  }
}

/** A connection to the socket at `path`, close-on-exec. */
export function connectTo(path: string, type: SocketType, doing = `connect to ${path}`): number {
  step(doing);
  const place = open(path, O_PATH | O_CLOEXEC, doing);
  try {
    return connectToAddress(unixAddress(`/proc/self/fd/${place}\0`), type, doing);
  } finally {
    closeSync(place);
  }
}

/** How long whoever listens may take to accept a connection, or what is sent on it, in milliseconds. */
const TIMEOUT = 500;

/** The same by an address, for names that are no paths. */
export function connectToAddress(address: Uint8Array, type: SocketType, doing: string): number {
  return withSocket(type, doing, (fd) => {
    boundSends(fd, doing);
    const result = syscall(SYS.connect, fd, address, address.length);
    const full = 'whoever listens there accepts no connection, and too many wait already';
    if (result < 0) throw TsociError.fromErrno(doing, -result, result === -EAGAIN ? full : undefined);
  });
}

/** socket(7): connect(2) and sends fail with EAGAIN then. It goes for all who have a copy of the descriptor. */
function boundSends(socket: number, doing: string): void {
  const timeval = Buffer.alloc(16);
  timeval.writeBigInt64LE(BigInt(TIMEOUT * 1000), 8);
  check(doing, 'setsockopt', socket, SOL_SOCKET, SO_SNDTIMEO, timeval, timeval.length);
}

/** Sends a descriptor, with a message of that text, to who listens on the stream socket at `path`. */
export function sendDescriptorTo(path: string, text: string, fd: number, what: string): void {
  const socket = connectTo(path, 'stream');
  try {
    sendDescriptors(socket, Buffer.from(text), [fd], `send ${what} to ${path}`);
  } finally {
    closeDescriptor(socket);
  }
}

/** struct sockaddr_un: family, path. A path ends with a NUL, an abstract name begins with one. */
export function unixAddress(name: string): Buffer {
  const address = Buffer.from(`\0\0${name}`);
  address.writeUInt16LE(AF_UNIX, 0);
  return address;
}

function withSocket(type: SocketType, doing: string, use: (fd: number) => void): number {
  const fd = check(doing, 'socket', AF_UNIX, types[type] | SOCK_CLOEXEC, 0);
  try {
    use(fd);
    return fd;
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
}

function open(path: string, flags: number, doing: string): number {
  try {
    return openSync(path, flags);
  } catch (error) {
    throw TsociError.from(doing, error);
  }
}
