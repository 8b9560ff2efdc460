// What a hook writes: no part of the container's output, but of the error if the hook fails.

import { POLLIN } from '../linux/constants.ts';
import { closeDescriptor, makeNonBlocking, makePipe, type Poll } from '../linux/descriptor.ts';
import { EAGAIN } from '../linux/errno.ts';
import { syscall } from '../linux/ffi.ts';
import { SYS } from '../linux/syscalls.ts';

/** Bytes of the end of the output that are told. */
const KEPT = 1024;
/** Bytes: all that a pipe holds (pipe(7)), so that one read takes what a hook has left behind. */
const PIPE_CAPACITY = 65_536;

export class HookOutput implements Disposable {
  /** The end that the hook writes to. */
  readonly writer: number;
  #reader: number | undefined;
  readonly #buffer = Buffer.alloc(PIPE_CAPACITY);
  #end = Buffer.alloc(0);
  #cut = false;

  constructor() {
    const { reader, writer } = makePipe();
    makeNonBlocking(reader);
    this.writer = writer;
    this.#reader = reader;
  }

  /** What to wait for: nothing once nobody can write any more. */
  wanted(): Poll[] {
    return this.#reader === undefined ? [] : [{ fd: this.#reader, events: POLLIN }];
  }

  /** Takes what is there. */
  read(): void {
    if (this.#reader === undefined) return;
    const length = syscall(SYS.read, this.#reader, this.#buffer, PIPE_CAPACITY);
    if (length === -EAGAIN) return;
    if (length <= 0) return this[Symbol.dispose]();
    const all = Buffer.concat([this.#end, this.#buffer.subarray(0, length)]);
    this.#cut ||= all.length > KEPT;
    this.#end = all.subarray(-KEPT);
  }

  /** For the end of an error message. Quoted: the hook may be a program of the image, and write what a terminal obeys. */
  told(): string {
    const text = this.#end.toString().trim();
    return text && `; its output: ${this.#cut ? '…' : ''}${JSON.stringify(text)}`;
  }

  /** Who has the other end and goes on to write gets EPIPE. */
  [Symbol.dispose](): void {
    if (this.#reader !== undefined) closeDescriptor(this.#reader);
    this.#reader = undefined;
  }
}
