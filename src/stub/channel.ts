// The way to a stub: messages there and back. A process at its other end, or something that answers in its place.

import { executionOf } from '../diagnosis/explain-execve.ts';
import type { Execution } from '../diagnosis/program.ts';
import { closeDescriptor, receive, receiveDescriptors, send, sendDescriptors } from '../linux/descriptor.ts';
import { boundReceives, patiently } from '../linux/patience.ts';

export interface Channel {
  /** False where no process is at the other end, as in a plan. */
  readonly real: boolean;
  /** Sends a program, or data that one reads. */
  send(message: Uint8Array, doing: string): void;
  /** Sends a byte with descriptors of ours, for a program that receives them. */
  sendDescriptors(fds: readonly number[], doing: string): void;
  /** Receives a reply into `buffer`: its length, 0 when the other end has closed. */
  receive(buffer: Uint8Array): number;
  /** The same with descriptors, which become ours. */
  receiveDescriptors(buffer: Uint8Array, most: number): { length: number; fds: number[] };
  /** What the process at the other end has to execute something with. */
  execution(pid: number): Execution & Disposable;
  close(): void;
}

export class SocketChannel implements Channel {
  readonly real = true;
  readonly #socket: number;

  constructor(socket: number) {
    this.#socket = socket;
    boundReceives(socket);
  }

  send(message: Uint8Array, doing: string): void {
    send(this.#socket, message, doing);
  }

  sendDescriptors(fds: readonly number[], doing: string): void {
    sendDescriptors(this.#socket, Buffer.alloc(1), fds, doing);
  }

  receive(buffer: Uint8Array): number {
    return patiently(() => receive(this.#socket, buffer, 'receive the results of the stub')) ?? 0;
  }

  receiveDescriptors(buffer: Uint8Array, most: number): { length: number; fds: number[] } {
    const doing = 'receive descriptors from the stub';
    return patiently(() => receiveDescriptors(this.#socket, buffer, most, doing)) ?? { length: 0, fds: [] };
  }

  execution(pid: number): Execution & Disposable {
    return executionOf(pid);
  }

  close(): void {
    closeDescriptor(this.#socket);
  }
}
