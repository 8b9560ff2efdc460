// Who watches what stubs execute: --trace and plan.

import type { Operation } from './program.ts';

/** The process that executes. */
export interface Executor {
  readonly pid: number;
  /** What it is for: boot, init, hook, exec, … */
  readonly role: string;
}

/** A program as it is sent: the message, and data at HEAP_ADDRESS that was too large for it. */
export interface Sent {
  readonly operations: readonly Operation[];
  readonly message: Buffer;
  readonly heap?: Buffer | undefined;
}

export interface Observer {
  /** A program is about to be sent. */
  sending(executor: Executor, sent: Sent): void;
  /**
   * The reply to that program is here: its message with results in place of the control bits. Empty: the process is a
   * stub no more, because it has executed something else or ended.
   */
  replied(executor: Executor, reply: Buffer): void;
}

let observer: Observer | undefined;

/** From here on `watcher` is told of all that stubs execute. */
export function observeStubs(watcher: Observer | undefined): void {
  observer = watcher;
}

export function stubObserver(): Observer | undefined {
  return observer;
}
