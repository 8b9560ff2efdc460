// A process in the foreground: signals go on to it, its terminal is ours, its exit status becomes ours.

import { createReadStream, type ReadStream as FileReadStream } from 'node:fs';
import { constants } from 'node:os';
import process from 'node:process';
import { isatty, ReadStream } from 'node:tty';
import type { Caller } from '../linux/caller.ts';
import { TIOCGWINSZ, TIOCSWINSZ } from '../linux/constants.ts';
import { syscall } from '../linux/ffi.ts';
import { SYS } from '../linux/syscalls.ts';
import { reapIfEnded, type WaitStatus } from '../linux/wait.ts';

/** Signals that are not for the container: they cannot be caught, or are about ourselves. */
const kept = new Set(['SIGKILL', 'SIGSTOP', 'SIGCHLD', 'SIGWINCH', 'SIGPIPE', 'SIGURG', 'SIGPROF']);
/** Faults of our own process. */
const faults = new Set(['SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGSYS']);

/**
 * Waits for a child. `terminal` is the master of its terminal: input and output are copied, ours is raw meanwhile.
 * The result is its exit status, or 128 and the number of the signal that killed it.
 */
export async function attend(caller: Caller, pid: number, terminal: number | undefined): Promise<number> {
  const forwarders = forwardSignals(pid);
  const session = terminal === undefined ? undefined : new TerminalSession(caller, terminal);
  try {
    const status = await ended(pid);
    await session?.drained();
    return status.signal ? 128 + status.signal : status.code;
  } finally {
    session?.close();
    for (const [name, listener] of forwarders) process.off(name, listener);
  }
}

function ended(pid: number): Promise<WaitStatus> {
  return new Promise((resolve) => {
    // A listener for signals does not keep the event loop alive; a timer does.
    const alive = setInterval(() => look(), 60_000);
    const look = () => {
      const status = reapIfEnded(pid);
      if (!status) return;
      clearInterval(alive);
      process.off('SIGCHLD', look);
      resolve(status);
    };
    process.on('SIGCHLD', look);
    // It may have ended before we listened.
    look();
  });
}

function forwardSignals(pid: number): [NodeJS.Signals, () => void][] {
  const forwarders: [NodeJS.Signals, () => void][] = [];
  for (const [name, number] of Object.entries(constants.signals) as [NodeJS.Signals, number][]) {
    if (kept.has(name) || faults.has(name)) continue;
    const listener = () => {
      syscall(SYS.kill, pid, number);
    };
    try {
      process.on(name, listener);
      forwarders.push([name, listener]);
    } catch {
      // One that this system does not let us catch.
    }
  }
  return forwarders;
}

/** How long output may still come after the process has ended, in milliseconds. */
const DRAIN_TIMEOUT = 500;

class TerminalSession {
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
