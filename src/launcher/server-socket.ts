// The socket of a server: where launchers look for one (launcher.c, connect_server), and what it answers.
//
//   launcher                         server
//   connects, waits 20 ms at most    accepts, and looks at who it is (gate.ts)
//                                    "tsoci 1" and a NUL: sends this greeting, or closes
//   sends its request (request.ts)
//
// A launcher that is not greeted starts a runtime of its own.

import { join } from 'node:path';
import { SO_ACCEPTCONN, SOL_SOCKET } from '../linux/constants.ts';
import { syscall } from '../linux/ffi.ts';
import { SYS } from '../linux/syscalls.ts';

export const GREETING = Buffer.from('tsoci 1\0', 'latin1');

/** The directory of the socket belongs to the user: nobody else can take its place. */
export function serverDirectory({
  uid,
  env,
}: {
  uid: number;
  env: Readonly<Record<string, string | undefined>>;
}): string | undefined {
  if (uid === 0) return '/run/tsoci-serve';
  const { XDG_RUNTIME_DIR } = env;
  return XDG_RUNTIME_DIR?.startsWith('/') ? join(XDG_RUNTIME_DIR, 'tsoci-serve') : undefined;
}

export function socketIn(directory: string): string {
  return join(directory, 'socket');
}

/** Whether a descriptor is a socket that listens (socket(7)). */
export function isListening(fd: number): boolean {
  const value = Buffer.alloc(4);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(value.length);
  return (
    syscall(SYS.getsockopt, fd, SOL_SOCKET, SO_ACCEPTCONN, value, length) === 0 && value.readUInt32LE(0) === 1
  );
}
