// What a debugged command has done, in order, and what is told of it.

import { describeStep } from './operations.ts';
import type { Answer, Operation } from './protocol.ts';
import type { Step } from './step-by-step.ts';

/** Where a command has stopped. */
export interface Place {
  at: Operation | undefined;
  step?: Step | undefined;
  error?: unknown;
}

export class History {
  readonly #done: Operation[] = [];

  get length(): number {
    return this.#done.length;
  }

  get operations(): readonly Operation[] {
    return this.#done;
  }

  record(operation: Operation): void {
    this.#done.push({ ...operation, number: this.#done.length + 1 });
  }

  /** A step as the next operation, wanted by `property` where it does not say itself by what. */
  describe(step: Step, property: string | undefined, result?: number): Operation {
    return describeStep(step, { number: this.#done.length + 1, property, result });
  }

  /** That many operations before and behind the place. */
  list({ at, step, error }: Place, count: number, property: string | undefined): Answer {
    const failed = error !== undefined;
    const here = failed && at ? at.number - 1 : this.#done.length;
    return {
      answer: 'list',
      before: this.#done.slice(Math.max(0, here - count), here),
      at,
      error: failed,
      after: failed ? this.#done.slice(here + 1) : this.#rest(step, count, property),
    };
  }

  /** The operations of the program behind a step. What the next program will have is not known yet. */
  #rest(step: Step | undefined, count: number, property: string | undefined): Operation[] {
    if (!step) return [];
    const { operations, index } = step;
    return operations.slice(index + 1, index + 1 + count).map((_, i) => ({
      ...this.describe({ ...step, index: index + 1 + i }, property),
      number: this.#done.length + 2 + i,
    }));
  }
}
