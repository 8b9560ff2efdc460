// A terminal between the caller and a container in the foreground: input, output and size are copied.

import process from 'node:process';
import type { Caller } from '../../linux/caller.ts';
import { POLLIN, POLLOUT, TIOCGWINSZ, TIOCSWINSZ } from '../../linux/constants.ts';
import { closeDescriptor, makeNonBlocking, type Poll, readable } from '../../linux/descriptor.ts';
import { EAGAIN } from '../../linux/errno.ts';
import { syscall } from '../../linux/ffi.ts';
import { SYS } from '../../linux/syscalls.ts';
import { isTerminal, makeRaw } from '../../linux/termios.ts';

/** How long output may still come after the process has ended, in milliseconds. */
const DRAIN_TIMEOUT = 500;
const BUFFER_SIZE = 1 << 16;

/**
 * The caller polls what is `wanted`, and hands what has come to `copy`. `copy` waits for nothing but tsoci's own standard
 * output: a container may read what is typed only after somebody has read its output.
 */
export class TerminalSession {
  readonly #caller: Caller;
  /** The master of the terminal; undefined once nobody has the other side open, or nobody reads our output. */
  #master: number | undefined;
  /** Our standard input; undefined once it has reached its end. */
  #input: number | undefined;
  /** What was typed and the container has not taken yet. No more is read until it has. */
  #typed = Buffer.alloc(0);
  readonly #buffer = Buffer.alloc(BUFFER_SIZE);
  readonly #resize: (() => void) | undefined;
  readonly #restore: (() => void) | undefined;

  /** The master is closed at the end of the session. */
  constructor(caller: Caller, master: number) {
    const [stdin] = caller.stdio;
    this.#caller = caller;
    this.#master = master;
    this.#input = stdin;
    makeNonBlocking(master);
    if (!isTerminal(stdin)) return;
    this.#resize = () => copySize(stdin, master);
    this.#resize();
    process.on('SIGWINCH', this.#resize);
    this.#restore = makeRaw(stdin);
  }

  /** Output of the container, and input for it when there is room. */
  wanted(): Poll[] {
    if (this.#master === undefined) return [];
    const typing = this.#typed.length > 0;
    const output = { fd: this.#master, events: typing ? POLLIN | POLLOUT : POLLIN };
    return this.#input === undefined || typing ? [output] : [output, { fd: this.#input, events: POLLIN }];
  }

  copy([output, input]: readonly number[]): void {
    if (input) this.#read();
    if (input || output) this.#type();
    if (output) this.#show();
  }

  /** Shows what the container has written before its end. What others go on to write is waited for only shortly. */
  drain(): void {
    this.#input = undefined;
    const end = performance.now() + DRAIN_TIMEOUT;
    for (;;) {
      const left = end - performance.now();
      if (this.#master === undefined || left <= 0) return;
      if (readable(this.#master, left)) this.#show();
    }
  }

  close(): void {
    if (this.#resize) process.off('SIGWINCH', this.#resize);
    this.#restore?.();
    this.#hangUp();
  }

  #read(): void {
    if (this.#input === undefined) return;
    const length = syscall(SYS.read, this.#input, this.#buffer, BUFFER_SIZE);
    if (length > 0) this.#typed = Buffer.from(this.#buffer.subarray(0, length));
    else if (length !== -EAGAIN) this.#input = undefined;
  }

  #type(): void {
    if (this.#master === undefined || this.#typed.length === 0) return;
    const taken = syscall(SYS.write, this.#master, this.#typed, this.#typed.length);
    if (taken > 0) this.#typed = this.#typed.subarray(taken);
  }

  /** Once nobody reads our output, the container's terminal is hung up, as by the end of an emulator. */
  #show(): void {
    if (this.#master === undefined) return;
    const length = syscall(SYS.read, this.#master, this.#buffer, BUFFER_SIZE);
    if (length === -EAGAIN) return;
    // EIO: nobody has the terminal open any more.
    if (length <= 0) return this.#hangUp();
    try {
      this.#caller.write(this.#caller.stdio[1], this.#buffer.subarray(0, length));
    } catch {
      this.#hangUp();
    }
  }

  #hangUp(): void {
    if (this.#master !== undefined) closeDescriptor(this.#master);
    this.#master = undefined;
  }
}

/** struct winsize of ioctl_tty(2). */
function copySize(from: number, to: number): void {
  const winsize = Buffer.alloc(8);
  if (syscall(SYS.ioctl, from, TIOCGWINSZ, winsize) === 0) syscall(SYS.ioctl, to, TIOCSWINSZ, winsize);
}
