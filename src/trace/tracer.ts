// An observer that writes a line for each system call that a stub has executed.

import { argumentsAt, BUFFER_ADDRESS, HEAP_ADDRESS, resultAt, stops } from '../stub/encode.ts';
import type { Executor, Observer, Sent } from '../stub/observer.ts';
import type { Operation } from '../stub/program.ts';
import { showCall, showResult } from './calls.ts';
import { Memory } from './stub-memory.ts';

export interface TraceOptions {
  /** Takes whole lines. */
  write: (text: string) => void;
  /** Whether there are processes and times to show. In a plan there are none. */
  real: boolean;
}

interface Pending {
  executor: Executor;
  sent: Sent;
  /** process.hrtime.bigint(). */
  since: bigint;
}

export class Tracer implements Observer {
  readonly decodes = true;
  readonly #options: TraceOptions;
  readonly #pending = new Map<number, Pending>();

  constructor(options: TraceOptions) {
    this.#options = options;
  }

  sending(executor: Executor, sent: Sent): void {
    this.#pending.set(executor.pid, { executor, sent, since: process.hrtime.bigint() });
  }

  replied({ pid }: Executor, reply: Buffer): void {
    const pending = this.#pending.get(pid);
    if (!pending) return;
    this.#pending.delete(pid);
    const seconds = Number(process.hrtime.bigint() - pending.since) / 1e9;
    const { executor, sent } = pending;
    const before = memoryOf(sent.message, sent.heap);
    const after = reply.length > 0 ? memoryOf(reply, sent.heap) : undefined;
    const calls = executedCalls(sent.operations, reply);
    const time = this.#options.real
      ? ` <${seconds.toFixed(6)} s, ${calls.length} ${calls.length === 1 ? 'call' : 'calls'}>`
      : '';
    const lines = calls.map(({ operation, index, result }, i) => {
      const call = { args: argumentsAt(sent.message, index), before, after, result };
      const shown = `${showCall(operation.call, call)} = ${showResult(operation.call, result)}`;
      const { property } = operation;
      const last = i === calls.length - 1;
      return `${this.#name(executor)} ${shown}${property ? `  # ${property}` : ''}${last ? time : ''}\n`;
    });
    if (lines.length > 0) this.#options.write(lines.join(''));
  }

  /** Tells of programs that are still with their processes: the last one of `create`, which `start` lets go on. */
  close(): void {
    for (const { executor, sent } of this.#pending.values()) {
      this.#options.write(`${this.#name(executor)} /* keeps ${sent.operations.length} calls for start */\n`);
    }
    this.#pending.clear();
  }

  #name({ role, pid }: Executor): string {
    return this.#options.real ? `${role} ${pid}:` : `${role}:`;
  }
}

function memoryOf(message: Buffer, heap: Buffer | undefined): Memory {
  return new Memory([
    { address: BUFFER_ADDRESS, bytes: message },
    ...(heap ? [{ address: HEAP_ADDRESS, bytes: heap }] : []),
  ]);
}

export interface Executed {
  operation: Operation;
  index: number;
  /** Undefined: it was executed, but the process has told nobody how it went. */
  result: number | undefined;
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
