// A terminal between the caller and a container in the foreground: input, output and size are copied.

import { createReadStream, type ReadStream as FileReadStream } from 'node:fs';
import { isatty, ReadStream } from 'node:tty';
import type { Caller } from '../linux/caller.ts';
import { TIOCGWINSZ, TIOCSWINSZ } from '../linux/constants.ts';
import { syscall } from '../linux/ffi.ts';
import { SYS } from '../linux/syscalls.ts';

/** How long output may still come after the process has ended, in milliseconds. */
const DRAIN_TIMEOUT = 500;

export class TerminalSession {
  readonly #output: ReadStream;
  readonly #input: ReadStream | FileReadStream;
  readonly #raw: ReadStream | undefined;
  readonly #end: Promise<void>;
  readonly #resize: () => void;

  constructor(caller: Caller, master: number) {
    const [stdin, stdout] = caller.stdio;
    const interactive = isatty(stdin);
    this.#resize = () => copySize(stdin, master);
    if (interactive) {
      this.#resize();
      process.on('SIGWINCH', this.#resize);
    }
    this.#output = new ReadStream(master);
    this.#output.on('data', (data: Buffer) => caller.write(stdout, data));
    // The master reports EIO once nobody has the terminal open any more.
    this.#end = new Promise((resolve) => {
      this.#output.once('error', () => resolve());
      this.#output.once('end', () => resolve());
    });
    this.#raw = interactive ? new ReadStream(stdin) : undefined;
    this.#raw?.setRawMode(true);
    this.#input = this.#raw ?? createReadStream('', { fd: stdin, autoClose: false });
    this.#input.on('data', (data) => this.#type(caller, master, data));
    this.#input.once('error', () => {});
  }

  /** Resolves when all output is written, or soon. */
  drained(): Promise<unknown> {
    return Promise.race([this.#end, new Promise((resolve) => setTimeout(resolve, DRAIN_TIMEOUT))]);
  }

  close(): void {
    process.off('SIGWINCH', this.#resize);
    this.#raw?.setRawMode(false);
    this.#input.destroy();
    this.#output.destroy();
  }

  #type(caller: Caller, master: number, data: Buffer | string): void {
    try {
      caller.write(master, data);
    } catch {
      // The process has gone, and its terminal with it: `ended` tells.
    }
  }
}

/** struct winsize of ioctl_tty(2). */
function copySize(from: number, to: number): void {
  const winsize = Buffer.alloc(8);
  if (syscall(SYS.ioctl, from, TIOCGWINSZ, winsize) === 0) syscall(SYS.ioctl, to, TIOCSWINSZ, winsize);
}
