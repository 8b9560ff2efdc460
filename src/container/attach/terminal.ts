// A terminal between the caller and a container in the foreground: input, output and size are copied.

import type { Caller } from '../../launcher/caller.ts';
import { PIPE_BUF, POLLHUP, POLLIN, POLLOUT } from '../../linux/constants.ts';
import { closeDescriptor, makeNonBlocking, type Poll, poll } from '../../linux/descriptor.ts';
import { EAGAIN } from '../../linux/errno.ts';
import { syscall } from '../../linux/ffi.ts';
import { SYS } from '../../linux/syscalls.ts';
import { copyWindowSize, endOfFile, isTerminal, makeRaw } from '../../linux/termios.ts';

/** How long output may still come after the process has ended, in milliseconds. */
const DRAIN_TIMEOUT = 500;
/** Milliseconds between two looks for a signal while the last output is shown. */
const LOOK = 100;
const BUFFER_SIZE = 1 << 16;
const LINE_FEED = 10;
/** poll(2) passes over it. */
const NOTHING: Poll = { fd: -1, events: 0 };

/**
 * The caller polls what is `wanted`, and hands what has come to `copy`, which waits for nothing: a container may read what is
 * typed only after somebody has read its output, and signals have to reach it while nobody reads ours.
 */
export class TerminalSession {
  readonly #caller: Caller;
  readonly #stdin: number;
  readonly #stdout: number;
  /** Undefined once nobody has the other side open, or our side is gone. */
  #master: number | undefined;
  #inputEnded = false;
  /** What was typed and has not been taken yet: until it is, no more is read. */
  #typed = Buffer.alloc(0);
  /** What the container has written and was not taken yet: no more than `most` is read ahead. */
  #written = Buffer.alloc(0);
  #most = BUFFER_SIZE;
  readonly #buffer = Buffer.alloc(BUFFER_SIZE);
  /** Undefined where standard input is a file or a pipe, whose modes and end are not those of a terminal. */
  readonly #restore: (() => void) | undefined;
  /** Whether what was typed so far ends within a line. */
  #withinLine = false;

  /** The master is closed at the end of the session. */
  constructor(caller: Caller, master: number) {
    const [stdin, stdout] = caller.stdio;
    this.#caller = caller;
    this.#stdin = stdin;
    this.#stdout = stdout;
    this.#master = master;
    makeNonBlocking(master);
    this.resize();
    // What others write to the caller's terminal, such as the reader of our output, is not from a terminal.
    this.#restore = isTerminal(stdin) ? makeRaw(stdin, { output: isTerminal(stdout) }) : undefined;
  }

  /** The container's terminal, the caller's, and our output. */
  wanted(): Poll[] {
    const [typed, written] = [this.#typed.length > 0, this.#written.length > 0];
    const events = (this.#written.length < this.#most ? POLLIN : 0) | (typed ? POLLOUT : 0);
    return [
      this.#master !== undefined && events ? { fd: this.#master, events } : NOTHING,
      this.#master === undefined || typed || this.#inputEnded ? NOTHING : { fd: this.#stdin, events: POLLIN },
      written ? { fd: this.#stdout, events: POLLOUT } : NOTHING,
    ];
  }

  copy([master = 0, input = 0, output = 0]: readonly number[]): void {
    if (input) this.#read(input);
    if (input || master) this.#type();
    if (output) this.#show();
    if (master & ~POLLOUT) this.#take();
  }

  /**
   * Shows what the container has written before its end. What others go on to write is waited for only shortly; a reader
   * that is slow until `interrupted`.
   */
  drain(interrupted: () => boolean): void {
    this.#inputEnded = true;
    this.#typed = Buffer.alloc(0);
    // Room for all that the kernel keeps of it.
    this.#most += BUFFER_SIZE;
    const end = performance.now() + DRAIN_TIMEOUT;
    for (;;) {
      const left = this.#master === undefined ? 0 : end - performance.now();
      if (left <= 0) this.#hangUp();
      if (left <= 0 && this.#written.length === 0) return;
      this.copy(poll(this.wanted(), left > 0 ? Math.min(left, LOOK) : LOOK));
      if (interrupted()) return;
    }
  }

  /** Gives the container's terminal the size of the caller's. */
  resize(): void {
    if (this.#master !== undefined) copyWindowSize([this.#stdin, this.#stdout], this.#master);
  }

  close(): void {
    this.#restore?.();
    this.#hangUp();
  }

  #read(come: number): void {
    const length = syscall(SYS.read, this.#stdin, this.#buffer, BUFFER_SIZE);
    if (length > 0) {
      this.#typed = Buffer.from(this.#buffer.subarray(0, length));
      this.#withinLine = this.#typed.at(-1) !== LINE_FEED;
    } else if (length !== -EAGAIN) this.#inputEnded = true;
    if (!this.#inputEnded) return;
    if (!this.#restore) this.#typeEnd();
    // Where the caller's terminal is gone the container's goes too: nobody could end it any more.
    else if (come & POLLHUP) this.#hangUp();
  }

  /** The end of a file is none of a terminal: the process would wait for input for ever. Within a line it takes two. */
  #typeEnd(): void {
    if (this.#master === undefined) return;
    const end = endOfFile(this.#master);
    this.#typed = Buffer.from(this.#withinLine ? [end, end] : [end]);
  }

  #type(): void {
    if (this.#master === undefined || this.#typed.length === 0) return;
    const taken = syscall(SYS.write, this.#master, this.#typed, this.#typed.length);
    if (taken !== -EAGAIN) this.#typed = this.#typed.subarray(taken > 0 ? taken : this.#typed.length);
  }

  #take(): void {
    if (this.#master === undefined) return;
    const length = syscall(SYS.read, this.#master, this.#buffer, BUFFER_SIZE);
    if (length > 0) this.#written = Buffer.concat([this.#written, this.#buffer.subarray(0, length)]);
    // EIO: nobody has the terminal open any more.
    else if (length !== -EAGAIN) this.#hangUp();
  }

  /** Once nobody reads our output, the container's terminal is hung up, as by the end of an emulator. */
  #show(): void {
    try {
      this.#caller.write(this.#stdout, this.#written.subarray(0, PIPE_BUF));
      this.#written = this.#written.subarray(PIPE_BUF);
    } catch {
      this.#written = Buffer.alloc(0);
      this.#hangUp();
    }
  }

  #hangUp(): void {
    if (this.#master !== undefined) closeDescriptor(this.#master);
    this.#master = undefined;
  }
}
