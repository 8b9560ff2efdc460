// The way to a stub: messages there and back. A process at its other end, or something that answers in its place.

import { executionOf } from '../diagnosis/explain-execve.ts';
import type { Execution } from '../diagnosis/program.ts';
import { SO_RCVTIMEO, SOL_SOCKET } from '../linux/constants.ts';
import { check, closeDescriptor, receive, receiveDescriptors, send } from '../linux/descriptor.ts';
import { EAGAIN, ECONNRESET } from '../linux/errno.ts';
import { errnoOf } from '../linux/errors.ts';
import { checkWanted } from '../linux/wanted.ts';

export interface Channel {
  /** False where no process is at the other end, as in a plan. */
  readonly real: boolean;
  /** Sends a program, or data that one reads. */
  send(message: Uint8Array, doing: string): void;
  /** Receives a reply into `buffer`: its length, 0 when the other end has closed. */
  receive(buffer: Uint8Array): number;
  /** The same with descriptors, which become ours. */
  receiveDescriptors(buffer: Uint8Array, most: number): { length: number; fds: number[] };
  /** What the process at the other end has to execute something with. */
  execution(pid: number): Execution & Disposable;
  close(): void;
}

/** How often whoever waits for a reply looks whether it is wanted still, in seconds. */
const LOOK = 1n;

export class SocketChannel implements Channel {
  readonly real = true;
  readonly #socket: number;

  constructor(socket: number) {
    this.#socket = socket;
    const timeval = Buffer.alloc(16);
    timeval.writeBigInt64LE(LOOK);
    const length = timeval.length;
    check('bound the wait for a stub', 'setsockopt', socket, SOL_SOCKET, SO_RCVTIMEO, timeval, length);
  }

  send(message: Uint8Array, doing: string): void {
    send(this.#socket, message, doing);
  }

  receive(buffer: Uint8Array): number {
    return this.#patiently(() => receive(this.#socket, buffer, 'receive the results of the stub')) ?? 0;
  }

  receiveDescriptors(buffer: Uint8Array, most: number): { length: number; fds: number[] } {
    const doing = 'receive descriptors from the stub';
    return (
      this.#patiently(() => receiveDescriptors(this.#socket, buffer, most, doing)) ?? { length: 0, fds: [] }
    );
  }

  execution(pid: number): Execution & Disposable {
    return executionOf(pid);
  }

  close(): void {
    closeDescriptor(this.#socket);
  }

  /** Undefined when the other end has closed before it had read all. */
  #patiently<T>(receiving: () => T): T | undefined {
    for (;;) {
      try {
        return receiving();
      } catch (error) {
        if (errnoOf(error) === ECONNRESET) return undefined;
        if (errnoOf(error) !== EAGAIN) throw error;
        checkWanted();
      }
    }
  }
}
