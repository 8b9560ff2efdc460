// An observer that writes a line for each system call that a stub has executed.

import { isError } from '../stub/encode.ts';
import type { Executor } from '../stub/observer.ts';
import { showResult } from './calls.ts';
import { type Decoded, decodedCalls, type Exchange, ExchangeObserver } from './exchange.ts';
import type { Filter } from './filter.ts';
import { fold, showFolded } from './fold.ts';
import type { Line } from './lines.ts';

export interface TraceOptions {
  /** Takes the lines of a program at once. */
  write: (lines: readonly Line[]) => void;
  /** Whether there are processes and times to show. In a plan there are none. */
  real: boolean;
  /** Which calls are shown; all by default. */
  filter?: Filter | undefined;
}

export class Tracer extends ExchangeObserver {
  readonly decodes = true;
  readonly #options: TraceOptions;
  readonly #began = performance.now();

  constructor(options: TraceOptions) {
    super();
    this.#options = options;
  }

  /** Tells of programs that are still with their processes. */
  close(): void {
    for (const { executor, sent, since } of this.takePending()) {
      if (!sent.operations.some((operation) => this.#options.filter?.(executor, operation) ?? true)) continue;
      const call = `/* keeps ${sent.operations.length} calls for start */`;
      this.#options.write([{ ...this.#lineOf(executor, since), call }]);
    }
  }

  protected finished(exchange: Exchange): void {
    const { executor, since, took } = exchange;
    const { real, filter } = this.#options;
    const executed = decodedCalls(exchange);
    const shown = executed.filter((each) => failed(each) || (filter?.(executor, each.operation) ?? true));
    const lines = fold(shown).map((folded): Line => {
      const [{ operation, call }] = folded.calls;
      return {
        ...this.#lineOf(executor, since),
        call: showFolded(folded),
        result: showResult(operation.call, call.result),
        failed: isError(call.result ?? 0),
        property: operation.property,
      };
    });
    const last = lines.at(-1);
    if (!last) return;
    if (real) last.took = { milliseconds: took, calls: executed.length };
    this.#options.write(lines);
  }

  #lineOf({ role, pid }: Executor, since: number): Line {
    const { real } = this.#options;
    return {
      when: real ? since - this.#began : undefined,
      who: real ? `${role} ${pid}:` : `${role}:`,
      ...{ call: '', result: undefined, failed: false, property: undefined, took: undefined },
    };
  }
}

/** A call whose error ends its program is shown whatever is asked for: it is what went wrong. */
function failed({ operation, call: { result = 0 } }: Decoded): boolean {
  return isError(result) && !operation.ignored.includes(-result);
}
