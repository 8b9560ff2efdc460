// NOTIFY_SOCKET (sd_notify(3)): the process of a container tells the service manager of the caller that it is ready.
//
//   create   mounts ROOT/ID/notify on /run/notify, and gives the process NOTIFY_SOCKET=/run/notify/notify.sock
//   start    makes that socket, waits there for READY=1, and passes it on, with MAINPID
//
// So the manager's own socket is not in the container. Nor is any other message passed on.

import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Caller } from '../launcher/caller.ts';
import { POLLIN } from '../linux/constants.ts';
import {
  closeDescriptor,
  makeNonBlocking,
  makePipe,
  type Poll,
  poll,
  readable,
  receive,
  send,
  sendDescriptors,
} from '../linux/descriptor.ts';
import { messageOf, TsociError } from '../linux/errors.ts';
import { syscall } from '../linux/ffi.ts';
import { isAlive, type ProcessIdentity } from '../linux/procfs.ts';
import { SYS } from '../linux/syscalls.ts';
import { bindTo, connectTo, connectToAddress, unixAddress } from '../linux/unix-socket.ts';
import { type MountPlan, planMount } from '../rootfs/mount-plan.ts';

/** Where it is in the container. */
export const NOTIFY_DIRECTORY = '/run/notify';
const NAME = 'notify.sock';

/** NOTIFY_SOCKET of the process. */
export const NOTIFY_VARIABLE = `NOTIFY_SOCKET=${NOTIFY_DIRECTORY}/${NAME}`;

/** Bytes of a message: more than any of sd_notify(3). */
const MESSAGE_SIZE = 16_384;
/** Milliseconds for the manager to take what it was told, as sd_notify_barrier(3) has it in its example. */
const BARRIER_TIMEOUT = 30_000;

/** The socket of the caller's manager: a path, or an abstract name behind @. */
export function managerSocket({ env: { NOTIFY_SOCKET } }: Pick<Caller, 'env'>): string | undefined {
  return NOTIFY_SOCKET && /^[/@]./.test(NOTIFY_SOCKET) ? NOTIFY_SOCKET : undefined;
}

/** The place of the socket's directory in that of a container. */
export function notifyDirectoryOf(directory: string): string {
  return join(directory, 'notify');
}

/** Makes it. Processes of any user can look for the socket in it. */
export function makeNotifyDirectory(directory: string): string {
  const path = notifyDirectoryOf(directory);
  try {
    mkdirSync(path);
    chmodSync(path, 0o755);
    return path;
  } catch (error) {
    throw TsociError.from(`make ${path}`, error);
  }
}

/** What mounts it in the container. */
export function planNotifyMount(source: string): MountPlan {
  const options = ['bind', 'nosuid', 'noexec', 'nodev', 'ro'];
  return planMount({ destination: NOTIFY_DIRECTORY, source, options }, { bundle: '/', rootfs: '/' });
}

export class NotifySocket implements Disposable {
  readonly #caller: Caller;
  readonly #manager: string;
  #socket: number | undefined;

  /** Listens in the directory of makeNotifyDirectory. */
  constructor(caller: Caller, manager: string, directory: string) {
    this.#caller = caller;
    this.#manager = manager;
    const path = join(directory, NAME);
    this.#socket = bindTo(path, 'datagram', `listen at ${path}`);
    // Whatever user the process has.
    chmodSync(path, 0o777);
  }

  /** What to wait for: nothing once the process is ready. */
  wanted(): Poll[] {
    return this.#socket === undefined ? [] : [{ fd: this.#socket, events: POLLIN }];
  }

  /** Takes a message that has come. The manager is told that `pid` is what to watch. */
  take(pid: number): void {
    this.#pass(pid, () => {});
  }

  /** Waits until the process of the container is ready, or has ended, and until the manager knows. */
  waitUntilReady({ pid, startTime }: ProcessIdentity): void {
    const pidfd = syscall(SYS.pidfd_open, pid, 0);
    if (pidfd < 0) return;
    try {
      while (this.#socket !== undefined && isAlive(pid, startTime)) {
        const [ended, come] = poll([{ fd: pidfd, events: POLLIN }, ...this.wanted()], -1);
        if (come) this.#pass(pid, waitForManager);
        else if (ended) return;
      }
    } finally {
      closeDescriptor(pidfd);
    }
  }

  [Symbol.dispose](): void {
    if (this.#socket !== undefined) closeDescriptor(this.#socket);
    this.#socket = undefined;
  }

  #pass(pid: number, then: (manager: number) => void): void {
    if (this.#socket === undefined) return;
    const message = Buffer.alloc(MESSAGE_SIZE);
    const length = receive(this.#socket, message, 'receive from the container at its NOTIFY_SOCKET');
    const ready = message
      .toString('utf8', 0, length)
      .split('\n')
      .find((line) => line === 'READY=1');
    if (ready === undefined) return;
    this[Symbol.dispose]();
    try {
      tellManager(this.#manager, [ready, `MAINPID=${pid}`], then);
    } catch (error) {
      // The process runs all the same.
      this.#caller.warn(`tell that the container is ready: ${messageOf(error)}`);
    }
  }
}

/** Sends messages to a service manager; `then` is called with the socket before it is closed. */
export function tellManager(
  manager: string,
  messages: readonly string[],
  then: (socket: number) => void = () => {},
): void {
  const doing = `connect to NOTIFY_SOCKET ${manager}`;
  const socket = manager.startsWith('@')
    ? connectToAddress(unixAddress(`\0${manager.slice(1)}`), 'datagram', doing)
    : connectTo(manager, 'datagram', doing);
  try {
    // Nobody waits for a manager that takes nothing.
    makeNonBlocking(socket);
    for (const message of messages)
      send(socket, Buffer.from(`${message}\n`), `send ${message} to ${manager}`);
    then(socket);
  } finally {
    closeDescriptor(socket);
  }
}

/**
 * sd_notify_barrier(3). The manager looks in the process table for who has sent a message: it must not be gone by then. It
 * closes the descriptor that comes with this message when it has worked through those before.
 */
function waitForManager(socket: number): void {
  const { reader, writer } = makePipe();
  try {
    sendDescriptors(socket, Buffer.from('BARRIER=1'), [writer], 'send BARRIER=1 to NOTIFY_SOCKET');
  } finally {
    closeDescriptor(writer);
  }
  try {
    if (!readable(reader, BARRIER_TIMEOUT))
      throw new TsociError(`the manager has not answered within ${BARRIER_TIMEOUT / 1000} s`);
  } finally {
    closeDescriptor(reader);
  }
}
