// An observer that makes trace events of what is executed: a track for what tsoci itself does, and one each for boot, init,
// hooks and others.

import { showResult } from './calls.ts';
import type { EventFile, TraceEvent } from './event-file.ts';
import { type Decoded, decodedCalls, type Exchange, ExchangeObserver } from './exchange.ts';
import type { Filter } from './filter.ts';
import { fold, showFolded } from './fold.ts';

export interface ChromeTraceOptions {
  file: EventFile;
  /** The process whose tracks they are: that of the caller. */
  pid: number;
  /** What it is called: `tsoci run web`. */
  name: string;
  /** Which calls are shown; all by default. */
  filter: Filter | undefined;
}

/** Tracks in their order from the top; those of other roles come below. */
const tracks = ['runtime', 'boot', 'init', 'hook'];
/** What the track of a role is called, where it holds more than one process. */
const titles: Readonly<Record<string, string>> = { hook: 'hooks' };
/** Steps that the name of a slice tells. */
const FEW = 3;

export class ChromeTrace extends ExchangeObserver {
  readonly decodes = true;
  readonly #options: ChromeTraceOptions;
  readonly #tracks: string[] = [...tracks];
  readonly #named = new Set<number>();
  readonly #began = performance.now();
  /** What tsoci itself is doing. */
  #step: { doing: string; since: number } | undefined;
  /** The hook that runs. */
  #hook: { path: string; since: number; tid: number } | undefined;

  constructor(options: ChromeTraceOptions) {
    super();
    this.#options = options;
    this.#metadata('process_name', 0, { name: options.name });
  }

  /** tsoci goes on to another step on the host. */
  step(doing: string): void {
    const now = performance.now();
    this.#endStep(now);
    this.#step = { doing, since: now };
  }

  /** The last events: what lasts until here. */
  close(): void {
    const now = performance.now();
    this.#endStep(now);
    for (const { executor, since } of this.takePending())
      this.#slice(this.#trackOf(executor.role), 'keeps its program for start', since, now);
    this.#slice(this.#trackOf('runtime'), this.#options.name, this.#began, now);
  }

  protected finished(exchange: Exchange): void {
    const { executor, since, took, reply } = exchange;
    const { filter } = this.#options;
    const calls = decodedCalls(exchange).filter(({ operation }) => filter?.(executor, operation) ?? true);
    if (calls.length === 0) return;
    const tid = this.#trackOf(executor.role);
    const properties = distinct(calls.map(({ operation }) => operation.property));
    this.#slice(tid, nameOf(calls), since, since + took, {
      cat: properties.join(','),
      args: { process: executor.pid, properties, calls: shown(calls) },
    });
    const last = calls.at(-1)?.operation;
    if (executor.role === 'hook' && reply.length === 0 && last?.call === 'execve')
      this.#hook = { path: last.doing, since: since + took, tid };
  }

  #endStep(now: number): void {
    if (this.#hook) this.#slice(this.#hook.tid, this.#hook.path, this.#hook.since, now);
    this.#hook = undefined;
    if (this.#step) this.#slice(this.#trackOf('runtime'), this.#step.doing, this.#step.since, now);
    this.#step = undefined;
  }

  #trackOf(role: string): number {
    if (!this.#tracks.includes(role)) this.#tracks.push(role);
    const tid = this.#tracks.indexOf(role) + 1;
    if (!this.#named.has(tid)) {
      this.#named.add(tid);
      this.#metadata('thread_name', tid, { name: titles[role] ?? role });
      this.#metadata('thread_sort_index', tid, { sort_index: tid });
    }
    return tid;
  }

  #metadata(name: string, tid: number, args: Record<string, unknown>): void {
    this.#options.file.append([{ name, ph: 'M', pid: this.#options.pid, tid, args }]);
  }

  /** Times are those of the clock on the wall, so that the events of other commands stand beside them. */
  #slice(tid: number, name: string, from: number, to: number, more: Partial<TraceEvent> = {}): void {
    const ts = Math.round((performance.timeOrigin + from) * 1000);
    const dur = Math.max(1, Math.round((to - from) * 1000));
    this.#options.file.append([{ name, ph: 'X', pid: this.#options.pid, tid, ts, dur, ...more }]);
  }
}

/** What a program does, in the words of its steps: `mount proc on /proc, mount tmpfs on /dev, and 2 more`. */
function nameOf(calls: readonly Decoded[]): string {
  const steps = distinct(calls.filter(({ operation }) => operation.call !== 'close').map(doingOf));
  const told = steps.length > 0 ? steps : distinct(calls.map(doingOf));
  const more = told.length > FEW ? `, and ${told.length - FEW} more` : '';
  return told.slice(0, FEW).join(', ') + more;
}

function doingOf({ operation }: Decoded): string {
  return operation.doing;
}

function shown(calls: readonly Decoded[]): string[] {
  return fold(calls).map((folded) => {
    const [{ operation, call }] = folded.calls;
    return `${showFolded(folded)} = ${showResult(operation.call, call.result)}`;
  });
}

function distinct(all: readonly (string | undefined)[]): string[] {
  return [...new Set(all.filter((one) => one !== undefined))];
}
