// Who watches what stubs execute: --trace, --debug and plan. And who has it executed an operation at a time: `tsoci debug`.

import type { Channel } from './channel.ts';
import type { Operation } from './program.ts';

/** The process that executes. */
export interface Executor {
  readonly pid: number;
  /** What it is for: boot, init, hook, exec, … */
  readonly role: string;
  /** The number in it of the descriptor by which it is driven. */
  readonly control: number;
}

/** A program as it is sent: the message, and data at HEAP_ADDRESS that was too large for it. */
export interface Sent {
  readonly operations: readonly Operation[];
  readonly message: Buffer;
  readonly heap?: Buffer | undefined;
}

export interface Observer {
  /** Whether it reads messages. To one that does not, a program that is in a process already is told without its message. */
  readonly decodes: boolean;
  /** A program is about to be sent. */
  sending(executor: Executor, sent: Sent): void;
  /**
   * The reply to that program is here: its message with results in place of the control bits. Empty: the process is a
   * stub no more. It has executed something else, or it has ended.
   */
  replied(executor: Executor, reply: Buffer): void;
}

const observers = new Set<Observer>();

/** From here on `observer` is told of all that stubs execute, until the result is called. */
export function observeStubs(observer: Observer): () => void {
  observers.add(observer);
  return () => observers.delete(observer);
}

/** All observers as one; undefined where there is none. */
export function stubObserver(): Observer | undefined {
  if (observers.size === 0) return undefined;
  const all = [...observers];
  return {
    decodes: all.some(({ decodes }) => decodes),
    sending: (executor, sent) => {
      for (const observer of all) observer.sending(executor, sent);
    },
    replied: (executor, reply) => {
      for (const observer of all) observer.replied(executor, reply);
    },
  };
}

/** In place of sending a program as a whole, and of receiving the reply to it. */
export interface Stepper {
  send(executor: Executor, sent: Sent, channel: Channel): void;
  /** The reply, as if the program had been sent as a whole. Its length; 0 when the process is a stub no more. */
  receive(executor: Executor, buffer: Buffer, channel: Channel): number;
}

let current: Stepper | undefined;

/** From here on programs go through `stepper`, until the result is called. */
export function stepStubs(stepper: Stepper): () => void {
  current = stepper;
  return () => {
    current = undefined;
  };
}

export function stubStepper(): Stepper | undefined {
  return current;
}
