// The way to a stub: messages there and back. A process at its other end, or something that answers in its place.

import { executionOf } from '../diagnosis/explain-execve.ts';
import type { Execution } from '../diagnosis/program.ts';
import { SOCK_SEQPACKET } from '../linux/constants.ts';
import { closeDescriptor, receive, receiveDescriptors, send, socketPair } from '../linux/descriptor.ts';
import { ECONNRESET } from '../linux/errno.ts';
import { errnoOf } from '../linux/errors.ts';
import { spawnStub } from './spawn.ts';

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

/** Our descriptors that a new stub has: `stdio` as 0 to 2, then its two control sockets, then the others. */
export interface StubDescriptors {
  readonly stdio: readonly [number, number, number];
  readonly others: readonly number[];
}

/** A new stub: its pid, the way to it, and the way to the child that it may clone. */
export interface Started {
  readonly pid: number;
  readonly channel: Channel;
  readonly child: Channel;
}

/** Starts a stub as our child. */
export function startStub({ stdio, others }: StubDescriptors): Started {
  const [ours, theirs] = socketPair(SOCK_SEQPACKET);
  const [ourChild, theirChild] = socketPair(SOCK_SEQPACKET);
  try {
    const pid = spawnStub([...stdio, theirs, theirChild, ...others]);
    return { pid, channel: new SocketChannel(ours), child: new SocketChannel(ourChild) };
  } catch (error) {
    closeDescriptor(ours);
    closeDescriptor(ourChild);
    throw error;
  } finally {
    closeDescriptor(theirs);
    closeDescriptor(theirChild);
  }
}

class SocketChannel implements Channel {
  readonly real = true;
  readonly #socket: number;

  constructor(socket: number) {
    this.#socket = socket;
  }

  send(message: Uint8Array, doing: string): void {
    send(this.#socket, message, doing);
  }

  receive(buffer: Uint8Array): number {
    try {
      return receive(this.#socket, buffer, 'receive the results of the stub');
    } catch (error) {
      if (errnoOf(error) === ECONNRESET) return 0;
      throw error;
    }
  }

  receiveDescriptors(buffer: Uint8Array, most: number): { length: number; fds: number[] } {
    return receiveDescriptors(this.#socket, buffer, most, 'receive descriptors from the stub');
  }

  execution(pid: number): Execution & Disposable {
    return executionOf(pid);
  }

  close(): void {
    closeDescriptor(this.#socket);
  }
}
