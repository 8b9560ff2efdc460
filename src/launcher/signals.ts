// Signals to the launcher, and the end of its children (signalfd(2), wait(2)).

import { O_CLOEXEC, O_NONBLOCK, POLLIN, SIG_BLOCK, SIGCHLD, WNOHANG } from '../linux/constants.ts';
import { timespec } from '../linux/descriptor.ts';
import { EAGAIN, ECHILD } from '../linux/errno.ts';
import { errnoOf } from '../linux/errors.ts';
import { type WaitStatus, waitStatus } from '../linux/wait.ts';
import { setEndingSignal } from '../linux/wanted.ts';
import { STOP_IF_POSITIVE } from '../stub/program.ts';
import type { LauncherSocket } from './launcher-socket.ts';

const SIGSET_SIZE = 8;
/** struct signalfd_siginfo; ssi_signo is its first word, ssi_code its third. */
const SIGINFO_SIZE = 128;
const SIGINFO_CODE = 8;
/** As many signals are read at once. */
const MOST_SIGNALS = 32;
const LAST_SIGNAL = 64;

const [SIGHUP, SIGINT, SIGQUIT, SIGTERM] = [1, 2, 3, 15];
/** By which people and supervisors end a program. */
export const endings: readonly number[] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];
/**
 * SIGKILL and SIGSTOP cannot be held. Those of faults can: others may send them too (systemd's WatchdogSignal= is SIGABRT),
 * and a fault of the launcher's own ends it all the same (signal(7)).
 */
const unheld: readonly number[] = [9, 19];
const held = Array.from({ length: LAST_SIGNAL }, (_, i) => i + 1).filter(
  (signal) => !unheld.includes(signal),
);
/** SIGCONT, SIGTSTP, SIGTTIN and SIGTTOU, by which a shell stops a job as a whole and has it go on. */
const jobControl: readonly number[] = [18, 20, 21, 22];
/** SIGURG and SIGWINCH, which nobody notices who does not ask for them (signal(7)). */
const unnoticed: readonly number[] = [23, 28];
/** asm-generic/siginfo.h: sent by the kernel, such as by a terminal to the processes in its foreground. */
const SI_KERNEL = 0x80;

export interface Event {
  /** Of the child, when it has ended. */
  status: WaitStatus | undefined;
  /** Signals that have come, in their order as far as the kernel keeps it. */
  signals: number[];
  /** Those that a terminal has sent to the process as well (holdTogether). */
  had: number[];
}

/** Whether a signal ends a program that does nothing about it (signal(7)). */
export function isFatal(signal: number): boolean {
  return ![SIGCHLD, ...jobControl, ...unnoticed].includes(signal);
}

export class CallerSignals {
  /** The signals that the caller had blocked, once others are. */
  blocked: Buffer | undefined;
  readonly #launcher: LauncherSocket;
  /** The number in the launcher of its signalfd. */
  #signalfd: number | undefined;
  /** Whether the process that signals go on to is in the launcher's process group. */
  #together = false;
  /** Those that have come and were not asked for. */
  #come: number[] = [];

  constructor(launcher: LauncherSocket) {
    this.#launcher = launcher;
  }

  /**
   * From here on signals do not reach the launcher, but wait for whoever asks for them. Until there is a process that they
   * go on to (`next`), those that are to end us end what waits (checkWanted).
   */
  hold(): void {
    this.#watch(held);
    setEndingSignal(() => this.ending());
  }

  /**
   * The same for a process in the launcher's process group. It has by itself what a terminal sends, and both are stopped
   * together.
   */
  holdTogether(): void {
    this.#together = true;
    this.#watch(held.filter((signal) => !jobControl.includes(signal)));
    setEndingSignal(() => this.ending());
  }

  /** The first that has come of those that are to end us. */
  ending(): number | undefined {
    const program = this.#launcher.program();
    const infos = Buffer.alloc(MOST_SIGNALS * SIGINFO_SIZE);
    const args = [this.#signalfd ?? -1, infos, infos.length];
    const length = program.call('read', args, 'read signals', { ignored: [EAGAIN] });
    const results = this.#launcher.run(program);
    this.#come.push(...this.#signalsIn(results.bytes(infos), results.at(length)).signals);
    return this.#come.find((signal) => endings.includes(signal));
  }

  /**
   * Waits for a signal or for the end of a child, which is reaped. `meanwhile` is called for the time of the wait: it
   * returns when its descriptor has something to read.
   */
  next(pid: number, meanwhile?: (socket: number) => void): Event {
    setEndingSignal(undefined);
    if (this.#come.length > 0) return { status: undefined, signals: this.#come.splice(0), had: [] };
    return this.#wait(pid, -1, meanwhile);
  }

  /** Signals that are to end us end the wait, and are forgotten; others are kept. */
  waitBriefly(
    pid: number,
    milliseconds: number,
    meanwhile?: (socket: number) => void,
  ): WaitStatus | 'timeout' | 'signal' {
    if (this.#signalfd === undefined) this.#watch([SIGCHLD]);
    const end = performance.now() + milliseconds;
    for (;;) {
      const left = milliseconds < 0 ? -1 : Math.max(0, end - performance.now());
      const { status, signals } = this.#wait(pid, left, meanwhile);
      this.#come.push(...signals.filter((signal) => !endings.includes(signal)));
      if (status) return status;
      if (signals.some((signal) => endings.includes(signal))) return 'signal';
      if (left === 0) return 'timeout';
    }
  }

  /** Has the launcher learn of signals by its signalfd alone. */
  #watch(signals: readonly number[]): void {
    const set = Buffer.alloc(SIGSET_SIZE);
    set.writeBigUInt64LE(signals.reduce((bits, signal) => bits | (1n << BigInt(signal - 1)), 0n));
    const before = Buffer.alloc(SIGSET_SIZE);
    const program = this.#launcher.program();
    program.call('rt_sigprocmask', [SIG_BLOCK, set, before, SIGSET_SIZE], 'block signals');
    const args = [this.#signalfd ?? -1, set, SIGSET_SIZE, O_NONBLOCK | O_CLOEXEC];
    const signalfd = program.tryOpen('signalfd4', args, 'make a signalfd', []);
    const results = this.#launcher.run(program);
    this.#signalfd = results.at(signalfd);
    this.blocked ??= results.bytes(before);
  }

  #wait(pid: number, milliseconds: number, meanwhile?: (socket: number) => void): Event {
    const launcher = this.#launcher;
    const program = launcher.program();
    const status = Buffer.alloc(4);
    const ended = program.call('wait4', [pid, status, WNOHANG, 0], `wait for process ${pid}`, {
      control: STOP_IF_POSITIVE,
    });
    // The second only for its end: a runtime that is gone must not leave the launcher waiting.
    const pollfds = Buffer.alloc(16);
    pollfds.writeInt32LE(this.#signalfd ?? -1, 0);
    pollfds.writeInt16LE(POLLIN, 4);
    pollfds.writeInt32LE(launcher.control, 8);
    const timeout = milliseconds < 0 ? null : timespec(milliseconds);
    program.call('ppoll', [pollfds, 2, timeout, 0, SIGSET_SIZE], 'wait for signals');
    const infos = Buffer.alloc(MOST_SIGNALS * SIGINFO_SIZE);
    const args = [this.#signalfd ?? -1, infos, infos.length];
    const length = program.call('read', args, 'read signals', { ignored: [EAGAIN] });
    try {
      const results = launcher.run(program, meanwhile);
      if (results.at(ended) > 0) return { status: waitStatus(results.bytes(status)), signals: [], had: [] };
      return { status: undefined, ...this.#signalsIn(results.bytes(infos), results.at(length)) };
    } catch (error) {
      if (errnoOf(error) !== ECHILD) throw error;
      return { status: { code: 0, signal: 0 }, signals: [], had: [] };
    }
  }

  /** Those that are to go on, of `length` bytes that were read. */
  #signalsIn(infos: Buffer, length: number): Pick<Event, 'signals' | 'had'> {
    const come: Pick<Event, 'signals' | 'had'> = { signals: [], had: [] };
    for (let at = 0; at + SIGINFO_SIZE <= length; at += SIGINFO_SIZE) {
      const signal = infos.readUInt32LE(at);
      const had = this.#together && infos.readInt32LE(at + SIGINFO_CODE) === SI_KERNEL;
      if (signal !== SIGCHLD) (had ? come.had : come.signals).push(signal);
    }
    return come;
  }
}
