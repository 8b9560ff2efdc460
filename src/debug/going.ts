// Until where a command goes on that has stopped.

import { subjectOf } from './operations.ts';
import type { Operation } from './protocol.ts';

type Until =
  | { kind: 'continue' }
  | { kind: 'step'; left: number }
  /** Until another property is applied, or something else is done. */
  | { kind: 'next'; left: number; from: string };

export class Going {
  #until: Until = { kind: 'continue' };

  /** To the next breakpoint or failure. */
  toBreakpoint(): void {
    this.#until = { kind: 'continue' };
  }

  /** For that many operations. */
  step(count: number): void {
    this.#until = { kind: 'step', left: count };
  }

  /** For the operations of that many properties, from that of an operation on. */
  next(count: number, at: Operation | undefined): void {
    this.#until = { kind: 'next', left: count, from: at ? subjectOf(at) : '' };
  }

  /** Whether it goes no further than to this operation. */
  arrives(at: Operation): boolean {
    const until = this.#until;
    if (until.kind === 'continue') return false;
    if (until.kind === 'next' && subjectOf(at) === until.from) return false;
    if (until.kind === 'next') until.from = subjectOf(at);
    until.left--;
    return until.left <= 0;
  }
}
