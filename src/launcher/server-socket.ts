// The socket of a server: where launchers look for one (launcher.c, connect_server), and what it answers.
//
//   launcher                          server
//   connects, waits 250 ms at most    accepts, and looks at who it is (gate.ts)
//                                     "tsoci 1" and a NUL: sends this greeting, or closes
//   sends its request (request.ts)
//
// A launcher that is not greeted, or cannot send its request, starts a runtime of its own.

import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SO_ACCEPTCONN, SOL_SOCKET } from '../linux/constants.ts';
import { check, closeDescriptor } from '../linux/descriptor.ts';
import { EEXIST } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import { syscall } from '../linux/ffi.ts';
import { SYS } from '../linux/syscalls.ts';
import { connectTo, listenAt } from '../linux/unix-socket.ts';
import { STDIO } from '../stub/preserved.ts';
import { StubProcess } from '../stub/stub-process.ts';
import type { Caller } from './caller.ts';

export const GREETING = Buffer.from('tsoci 1\0', 'latin1');

/** How many launchers may wait while all workers are busy. */
const BACKLOG = 128;

/** struct sockaddr_un of unix(7). */
const ADDRESS_SIZE = 110;
const PATH_OFFSET = 2;

/** Where launchers look. The directory belongs to the user: nobody else can take its place. */
export function serverSocket({ uid, env }: Pick<Caller, 'uid' | 'env'>): string {
  if (uid === 0) return socketIn('/run');
  const { XDG_RUNTIME_DIR } = env;
  if (!XDG_RUNTIME_DIR?.startsWith('/'))
    throw new TsociError('serve: XDG_RUNTIME_DIR names no directory for the socket');
  return socketIn(XDG_RUNTIME_DIR);
}

function socketIn(directory: string): string {
  return join(directory, 'tsoci-serve', 'socket');
}

export interface Listening extends Disposable {
  fd: number;
  path: string;
}

/** The socket at `path`; without one that which a service manager has given to the launcher, else the one where launchers look. */
export function listen(caller: Caller, path: string | undefined): Listening {
  const { LISTEN_FDS, LISTEN_PID } = caller.env;
  const given = LISTEN_FDS === '1' && LISTEN_PID === String(caller.pid);
  if (given && path === undefined) return givenSocket(caller);
  const own = path ?? serverSocket(caller);
  if (path === undefined) makeDirectory(join(own, '..'));
  if (answers(own)) throw new TsociError(`serve: there is a server at ${own} already`);
  rmSync(own, { force: true });
  const fd = listenAt(own, BACKLOG);
  chmodSync(own, 0o600);
  return {
    fd,
    path: own,
    [Symbol.dispose]: () => {
      rmSync(own, { force: true });
      closeDescriptor(fd);
    },
  };
}

/** sd_listen_fds(3): descriptor 3 of the launcher. */
function givenSocket(caller: Caller): Listening {
  using stub = StubProcess.spawn(caller.launcher, { stdio: caller.stdio, preserved: 1, role: 'socket' });
  const doing = 'serve: take the socket of the service manager';
  const [fd = -1] = stub.takeDescriptors([STDIO], doing);
  if (!isListening(fd)) throw new TsociError(`${doing}: it does not listen`);
  return { fd, path: pathOf(fd, doing), [Symbol.dispose]: () => closeDescriptor(fd) };
}

/** getsockname(2) */
function pathOf(socket: number, doing: string): string {
  const address = Buffer.alloc(ADDRESS_SIZE);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(address.length);
  check(doing, 'getsockname', socket, address, length);
  const [path = ''] = address.toString('utf8', PATH_OFFSET).split('\0');
  if (!path.startsWith('/')) throw new TsociError(`${doing}: it is at no absolute path`);
  return path;
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) !== EEXIST) throw TsociError.from(`make ${directory}`, error);
  }
}

function answers(path: string): boolean {
  try {
    closeDescriptor(connectTo(path, 'seqpacket'));
    return true;
  } catch {
    return false;
  }
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
