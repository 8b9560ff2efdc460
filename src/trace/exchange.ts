// Programs with their replies, as an observer of stubs puts them together.

import { argumentsAt, resultAt, stops } from '../stub/encode.ts';
import type { Executor, Observer, Sent } from '../stub/observer.ts';
import type { Operation } from '../stub/program.ts';
import type { Call } from './arguments.ts';
import { memoryOf } from './stub-memory.ts';

/** A program that is with its process. Times are in milliseconds, as performance.now() has them. */
export interface Pending {
  readonly executor: Executor;
  readonly sent: Sent;
  readonly since: number;
}

/** A program that came back, or whose process became something else: then the reply is empty. */
export interface Exchange extends Pending {
  readonly reply: Buffer;
  readonly took: number;
}

/** An observer that is told of whole exchanges. */
export abstract class ExchangeObserver implements Observer {
  abstract readonly decodes: boolean;
  readonly #pending = new Map<number, Pending>();

  protected abstract finished(exchange: Exchange): void;

  sending(executor: Executor, sent: Sent): void {
    this.#pending.set(executor.pid, { executor, sent, since: performance.now() });
  }

  replied({ pid }: Executor, reply: Buffer): void {
    const pending = this.#pending.get(pid);
    if (!pending) return;
    this.#pending.delete(pid);
    this.finished({ ...pending, reply, took: performance.now() - pending.since });
  }

  /** Programs that are still with their processes: the last one of `create`, which `start` lets go on. */
  protected takePending(): Pending[] {
    const all = [...this.#pending.values()];
    this.#pending.clear();
    return all;
  }
}

export interface Executed {
  readonly operation: Operation;
  readonly index: number;
  /** Undefined: it was executed, but the process has told nobody how it went. */
  readonly result: number | undefined;
}

/**
 * The calls of a program up to where it stopped (stub-x64.S). Without a reply the process has gone its own way:
 * after execve(2), which then succeeded, results are not known.
 */
export function executedCalls(operations: readonly Operation[], reply: Buffer): Executed[] {
  const found: Executed[] = [];
  for (const [index, operation] of operations.entries()) {
    if (reply.length === 0) {
      found.push({ operation, index, result: operation.call === 'execve' ? 0 : undefined });
      continue;
    }
    const result = resultAt(reply, index);
    // The child's side of clone3(2), which its parent shows.
    if (!(operation.call === 'clone3' && result === 0)) found.push({ operation, index, result });
    if (stops(operation.control, result)) break;
  }
  return found;
}

/** A call that was executed, with its arguments. */
export interface Decoded {
  readonly operation: Operation;
  readonly call: Call;
}

/** The calls of an exchange, for which an observer must have decoded (Observer.decodes). */
export function decodedCalls({ sent, reply }: Exchange): Decoded[] {
  const before = memoryOf(sent.message, sent.heap);
  const after = reply.length > 0 ? memoryOf(reply, sent.heap) : undefined;
  return executedCalls(sent.operations, reply).map(({ operation, index, result }) => ({
    operation,
    call: { args: argumentsAt(sent.message, index), before, after, result },
  }));
}
