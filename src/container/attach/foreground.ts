// A process in the foreground: signals go on to it, its terminal is ours, its exit status becomes ours.

import { constants } from 'node:os';
import process from 'node:process';
import type { Caller } from '../../linux/caller.ts';
import { POLLIN, SIG_UNBLOCK, SIGUSR1 } from '../../linux/constants.ts';
import { check, closeDescriptor, pollOrSignal } from '../../linux/descriptor.ts';
import { syscall } from '../../linux/ffi.ts';
import { step } from '../../linux/steps.ts';
import { SYS } from '../../linux/syscalls.ts';
import { reap, type WaitStatus } from '../../linux/wait.ts';
import type { NotifySocket } from '../notify-socket.ts';
import type { TerminalSession } from './terminal.ts';

/** Signals that are not passed on: they cannot be caught, or they concern tsoci itself. */
const kept = new Set(['SIGKILL', 'SIGSTOP', 'SIGCHLD', 'SIGWINCH', 'SIGPIPE', 'SIGURG', 'SIGPROF']);
/** Signals by which the kernel tells of a fault of tsoci itself. */
const faults = new Set(['SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGIOT', 'SIGSYS']);
/** Signals by which people and supervisors end a program. */
const endings: readonly NodeJS.Signals[] = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'];

/**
 * Passes the signals that tsoci gets on to the process in the foreground. Signals that would end tsoci are held back from
 * the first moment on. While there is no process, `run` takes back what it has made; once there is one, it gets them.
 */
export class Signals {
  readonly #listeners = new Map<NodeJS.Signals, () => void>();
  readonly #waiting: number[] = [];
  #pid: number | undefined;

  constructor() {
    for (const name of endings) this.#listen(name, constants.signals[name]);
  }

  /** The first signal that is held back. */
  async first(): Promise<number | undefined> {
    await turnOfEventLoop();
    return this.#waiting[0];
  }

  /** From here on the process gets the signals that were held back, and all others that can be passed on. */
  forwardTo(pid: number): void {
    this.#pid = pid;
    for (const signal of this.#waiting.splice(0)) this.#pass(signal);
    const known = new Set<number>();
    for (const [name, number] of Object.entries(constants.signals) as [NodeJS.Signals, number][]) {
      // SIGIO and SIGPOLL are one signal.
      if (kept.has(name) || faults.has(name) || known.has(number)) continue;
      known.add(number);
      if (!this.#listeners.has(name)) this.#listen(name, number);
    }
    unblock(SIGUSR1);
  }

  /**
   * To be called when the process has ended. Signals that would end tsoci are held back until it has cleaned up; the others
   * act as they did before.
   */
  drop(): void {
    this.#pid = undefined;
    for (const [name, listener] of this.#listeners) if (!endings.includes(name)) process.off(name, listener);
  }

  #listen(name: NodeJS.Signals, number: number): void {
    const listener = () => this.#pass(number);
    try {
      process.on(name, listener);
      this.#listeners.set(name, listener);
    } catch {
      // This system does not let us catch the signal.
    }
  }

  #pass(signal: number): void {
    if (this.#pid === undefined) this.#waiting.push(signal);
    else syscall(SYS.kill, this.#pid, signal);
  }
}

/** Listeners for signals are called by the event loop. */
function turnOfEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Node (unbuilt) blocks SIGUSR1, by which a debugger could be started, until somebody asks for it. */
function unblock(signal: number): void {
  const set = Buffer.alloc(8);
  set.writeBigUInt64LE(1n << BigInt(signal - 1));
  check(`unblock signal ${signal}`, 'rt_sigprocmask', SIG_UNBLOCK, set, null, set.length);
}

/** What a child in the foreground has to do with besides its end. */
export interface Attended {
  /** The master of its terminal: input and output are copied, ours is raw meanwhile. */
  terminal?: number | undefined;
  /** What it tells that it is ready. */
  notify?: NotifySocket | undefined;
}

/**
 * Waits for a child, which gets the signals. The result is its exit status, or 128 and the number of the signal that
 * killed it.
 */
export async function attend(
  caller: Caller,
  pid: number,
  { terminal, notify }: Attended,
  signals: Signals,
): Promise<number> {
  signals.forwardTo(pid);
  const session = terminal === undefined ? undefined : await openTerminal(caller, terminal);
  try {
    const status = await ended(caller, pid, session, notify);
    signals.drop();
    await session?.drain(async () => (await signals.first()) !== undefined);
    return status.signal ? 128 + status.signal : status.code;
  } finally {
    session?.close();
    notify?.[Symbol.dispose]();
    signals.drop();
  }
}

/** How long one wait lasts at most, in milliseconds: a signal that came just before the wait is seen only after it. */
const LOOK = 100;

async function ended(
  caller: Caller,
  pid: number,
  session: TerminalSession | undefined,
  notify: NotifySocket | undefined,
): Promise<WaitStatus> {
  step(`wait for the end of process ${pid}`);
  const pidfd = check(`open process ${pid}`, 'pidfd_open', pid, 0);
  try {
    for (;;) {
      const told = notify?.wanted() ?? [];
      const copied = session?.wanted() ?? [];
      const [end, ...come] = pollOrSignal([{ fd: pidfd, events: POLLIN }, ...told, ...copied], LOOK);
      const [message] = come.splice(0, told.length);
      // Us the manager is to watch: we end when the process does.
      if (message) notify?.take(caller.pid);
      if (end) return reap(pid);
      session?.copy(come);
      await turnOfEventLoop();
    }
  } finally {
    closeDescriptor(pidfd);
  }
}

/** The module is loaded only where there is a terminal. */
async function openTerminal(caller: Caller, master: number) {
  const { TerminalSession } = await import('./terminal.ts');
  return new TerminalSession(caller, master);
}
