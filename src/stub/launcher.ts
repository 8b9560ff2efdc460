// Who starts stubs and waits for them: the launcher of a command (src/launcher/launcher-process.ts), in a plan nobody.

import type { WaitStatus } from '../linux/wait.ts';
import type { Channel } from './channel.ts';

/** What a new stub has: `stdio` as 0 to 2, then its two control sockets, then the others. */
export interface StubDescriptors {
  /** Ours. */
  readonly stdio: readonly [number, number, number];
  /** How many of the launcher's own, from 3 on, come first among the others. */
  readonly preserved: number;
  /** Ours, behind them. */
  readonly extra: readonly number[];
}

/** A new stub: its pid, the way to it, and the way to the child that it may clone. */
export interface Started {
  readonly pid: number;
  readonly channel: Channel;
  readonly child: Channel;
}

export interface Launcher {
  /** The number in it of the socket by which it is driven, which it has not from the caller. */
  readonly control: number;
  /** False once it has been killed: nobody wants what we do any more. */
  readonly alive: boolean;
  /** Starts a stub as a child of the launcher. */
  start(descriptors: StubDescriptors): Started;
  /** Waits for the end of a child of the launcher, and reaps it. One that is no child of it counts as exit 0. */
  wait(pid: number): WaitStatus;
  /** Has a child of the launcher reaped that is about to end. */
  reap(pid: number): void;
  /**
   * The same for at most that many milliseconds (-1: for ever), and only until a signal comes that is to end us.
   * `meanwhile` is called for the time of the wait: it returns when its descriptor has something to read.
   */
  waitBriefly(
    pid: number,
    milliseconds: number,
    meanwhile?: (socket: number) => void,
  ): WaitStatus | 'timeout' | 'signal';
}
