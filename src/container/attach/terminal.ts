// A terminal between the caller and a container in the foreground: input, output and size are copied.

import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import process from 'node:process';
import type { Readable } from 'node:stream';
import { isatty, ReadStream } from 'node:tty';
import type { Caller } from '../../linux/caller.ts';
import { TIOCGWINSZ, TIOCSWINSZ } from '../../linux/constants.ts';
import { duplicateAbove } from '../../linux/descriptor.ts';
import { syscall } from '../../linux/ffi.ts';
import { SYS } from '../../linux/syscalls.ts';
import { makeRaw } from '../../linux/termios.ts';

/** How long output may still come after the process has ended, in milliseconds. */
const DRAIN_TIMEOUT = 500;
/** The first descriptor that is none of the standard streams. */
const FIRST = 3;

export class TerminalSession {
  readonly #output: ReadStream;
  readonly #input: Readable;
  readonly #typing: WriteStream;
  readonly #end: Promise<void>;
  readonly #resize: (() => void) | undefined;
  readonly #restore: (() => void) | undefined;

  constructor(caller: Caller, master: number) {
    const [stdin, stdout] = caller.stdio;
    const interactive = isatty(stdin);
    if (interactive) {
      this.#resize = () => copySize(stdin, master);
      this.#resize();
      process.on('SIGWINCH', this.#resize);
      this.#restore = makeRaw(stdin);
    }
    process.prependOnceListener('exit', (code) => this.#leave(code));
    this.#output = new ReadStream(master);
    // Written by a thread: the container may have to be read from before it reads what is typed. By a descriptor of its
    // own, since a stream closes that at its end, whoever has the number by then.
    this.#typing = createWriteStream('', { fd: duplicateAbove(master, FIRST) });
    this.#typing.on('error', () => {});
    this.#input = interactive ? new ReadStream(stdin) : createReadStream('', { fd: stdin, autoClose: false });
    this.#input.on('error', () => {});
    this.#end = new Promise((resolve) => {
      this.#output.once('close', () => {
        this.#stopTyping();
        resolve();
      });
    });
    // EIO: nobody has the terminal open any more.
    this.#output.on('error', () => {});
    this.#output.on('data', (data: Buffer) => this.#show(caller, stdout, data));
    this.#input.pipe(this.#typing);
  }

  /** Resolves when all output is written, or soon. */
  drained(): Promise<unknown> {
    return Promise.race([this.#end, new Promise((resolve) => setTimeout(resolve, DRAIN_TIMEOUT))]);
  }

  close(): void {
    if (this.#resize) process.off('SIGWINCH', this.#resize);
    this.#restore?.();
    this.#input.destroy();
    this.#output.destroy();
  }

  /** Once nobody reads our output, the container's terminal is hung up, as by the end of an emulator. */
  #show(caller: Caller, stdout: number, data: Buffer): void {
    try {
      caller.write(stdout, data);
    } catch {
      this.#output.destroy();
    }
  }

  /** Threads may still wait for input, or for the container to take it: Node would wait for them. */
  #leave(code: number): void {
    this.#restore?.();
    syscall(SYS.exit_group, code);
  }

  /** Nobody reads it any more. */
  #stopTyping(): void {
    this.#input.unpipe();
    this.#typing.destroy();
  }
}

/** struct winsize of ioctl_tty(2). */
function copySize(from: number, to: number): void {
  const winsize = Buffer.alloc(8);
  if (syscall(SYS.ioctl, from, TIOCGWINSZ, winsize) === 0) syscall(SYS.ioctl, to, TIOCSWINSZ, winsize);
}
