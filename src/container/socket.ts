// The socket that a created container's init waits on. Names of sockets are short (unix(7): 108 bytes), those of
// state directories need not be: both ends name it through a descriptor of the directory.

import { closeSync, constants, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { AF_UNIX, SOCK_CLOEXEC, SOCK_SEQPACKET, SOCK_STREAM } from '../linux/constants.ts';
import { check, closeDescriptor } from '../linux/descriptor.ts';

/** A listening socket at `path`. */
export function listenAt(path: string): number {
  return withAddress(path, (address) => {
    const doing = `listen at ${path}`;
    const fd = check(doing, 'socket', AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    try {
      check(doing, 'bind', fd, address, address.length);
      check(doing, 'listen', fd, 1);
      return fd;
    } catch (error) {
      closeDescriptor(fd);
      throw error;
    }
  });
}

/** A connection to the socket at `path`. */
export function connectTo(path: string, type: 'seqpacket' | 'stream'): number {
  return withAddress(path, (address) => {
    const doing = `connect to ${path}`;
    const fd = check(
      doing,
      'socket',
      AF_UNIX,
      (type === 'stream' ? SOCK_STREAM : SOCK_SEQPACKET) | SOCK_CLOEXEC,
      0,
    );
    try {
      check(doing, 'connect', fd, address, address.length);
      return fd;
    } catch (error) {
      closeDescriptor(fd);
      throw error;
    }
  });
}

/** struct sockaddr_un: family, path. */
function withAddress<T>(path: string, use: (address: Uint8Array) => T): T {
  const directory = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const name = Buffer.from(`/proc/self/fd/${directory}/${basename(path)}\0`);
    const address = Buffer.alloc(2 + name.length);
    address.writeUInt16LE(AF_UNIX, 0);
    name.copy(address, 2);
    return use(address);
  } finally {
    closeSync(directory);
  }
}
