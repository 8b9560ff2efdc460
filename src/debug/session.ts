// The side of the command that is debugged: it stops before operations and at failures, and does what the debugger asks.
// While it is stopped this process waits, and so does all that it makes.

import type { Creation } from '../container/create/creation.ts';
import type { FailureHandler, Verdict } from '../linux/attempt.ts';
import { messageOf, TsociError } from '../linux/errors.ts';
import type { Phase } from '../linux/steps.ts';
import { CallerGone } from '../linux/wanted.ts';
import { executedBy } from '../stub/program.ts';
import { addBreakpoint, deleteBreakpoints, takeEdit } from './answers.ts';
import { Breakpoints } from './breakpoints.ts';
import { DebuggedConfig } from './debugged-config.ts';
import { type Debugger, DebuggerLine, type LineOptions } from './debugger-line.ts';
import { Going } from './going.ts';
import { History, type Place } from './history.ts';
import { environmentIn, explained, isSkippable, propertyOf } from './operations.ts';
import type { Event, Operation, Reason, Request } from './protocol.ts';
import { type Decider, isPiece, type Step } from './step-by-step.ts';

/** The debugger wants no more of it. */
class GivenUp extends TsociError {
  override name = 'GivenUp';

  constructor() {
    super('given up in the debugger');
  }

  /** It is the fault of no property. */
  override for(): this {
    return this;
  }
}

interface Stop extends Place {
  reason: Reason;
  breakpoints?: number[];
  skippable?: boolean;
  retryable?: boolean;
}

export interface SessionOptions extends LineOptions {
  /** In place of a debugger: looks at a failure, and lets it fail. */
  look?: (stopped: Event & { event: 'stopped' }) => void;
  /** The config, of which nothing is known until it was read and found valid. */
  configFile: string | undefined;
}

export class Session implements Decider, FailureHandler {
  readonly breakpoints = new Breakpoints();
  readonly #options: SessionOptions;
  readonly #line: DebuggerLine;
  readonly #history = new History();
  readonly #going = new Going();
  /** Nothing stops any more: all is being taken back, or nobody is there. */
  #over = false;
  /** Properties of the attempts that are under way. */
  readonly #attempts: { property: string | undefined; from: number }[] = [];
  /** How many operations were done before the attempt that has ended last. */
  #from = 0;
  readonly #told = new WeakSet<object>();
  /** The last call that has failed, and what it belongs to. */
  #failed: { operation: Operation; number: number; step: Step } | undefined;
  readonly #config: DebuggedConfig;
  #init: number | undefined;
  #inside = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#config = new DebuggedConfig(options.configFile);
    this.#line = new DebuggerLine(options, this.#config);
  }

  get watched(): number | undefined {
    return this.#over ? undefined : this.#line.fd;
  }

  /** The first stop, where the debugger waits for us. */
  begin(): void {
    if (this.#options.waits) this.#stop({ reason: 'start', at: undefined });
  }

  /** What is going to be made; its config can be edited. */
  prepared(creation: Creation, root: string): void {
    this.#config.prepared(creation, root);
    this.#line.tellConfig();
  }

  /** Nothing will stop any more. */
  end(): void {
    this.#over = true;
    this.#line.send({ event: 'done' });
    this.#line.hangUp();
  }

  // Decider

  before(step: Step): 'execute' | 'skip' {
    const together = step.end - step.index - 1;
    const at = { ...this.#describe(step), ...(together > 0 && { together }) };
    // Whoever wants to stop within the piece stops before it.
    const within = Array.from({ length: together }, (_, i) =>
      this.#describe({ ...step, index: step.index + 1 + i }),
    );
    if (!this.#pause(at, step, isSkippable(step), within)) {
      this.#handOver(step);
      return 'execute';
    }
    this.#history.record({ ...at, result: '0 (left out)' });
    this.#line.warn(`${at.doing} was left out, and taken for done: what follows may fail, or be less safe`);
    return 'skip';
  }

  done(step: Step, result: number | undefined): void {
    const { executor, operations, index } = step;
    const call = operations[index];
    if (!call) return;
    const operation = this.#describe(step, result);
    this.#history.record(operation);
    if (['init', 'exec'].includes(executor.role) && call.call !== 'execve') this.#init = executor.pid;
    if (executor.role === 'init' && call.call === 'pivot_root') this.#inside = true;
    const number = this.#history.length;
    if (result !== undefined && result < 0) this.#failed = { operation, number, step };
  }

  refused(step: Step, result: number): 'fail' | 'retry' | 'skip' {
    // An attempt is told of as a whole, by its own failure.
    if (this.#over || this.#attempts.length > 0 || !this.breakpoints.atErrors()) return 'fail';
    const call = step.operations[step.index];
    if (!call) return 'fail';
    const error = explained(call, step, result);
    const at = this.#failed?.operation ?? this.#describe(step, result);
    const retryable = !isPiece(step);
    const skippable = retryable && isSkippable(step);
    const verdict = this.#stop({ reason: 'error', at, step, error, skippable, retryable });
    if (verdict === 'skip') this.#line.warn(`${at.doing} has failed, and is taken for done`);
    if (verdict === 'retry' || verdict === 'skip') return verdict;
    this.#undo();
    return 'fail';
  }

  // FailureHandler

  failed(error: unknown, skippable: boolean): Verdict {
    return this.#attemptFailed(error, skippable, true);
  }

  enter(property: string | undefined): void {
    this.#attempts.push({ property, from: this.#history.length });
  }

  leave(): void {
    this.#from = this.#attempts.pop()?.from ?? 0;
  }

  ended(error: unknown): void {
    this.#attemptFailed(error, false, false);
    this.#undo();
  }

  // Steps on the host

  step(doing: string, phase: Phase | undefined): void {
    const operation: Operation = {
      number: this.#history.length + 1,
      role: 'host',
      text: doing,
      doing,
      property: this.#property(),
      phase,
    };
    this.#pause(operation, undefined, false);
    this.#history.record(operation);
  }

  /** The process of the container has the terminal as soon as it is executed: the debugger lets go of it before. */
  #handOver({ executor, operations, index, end }: Step): void {
    const [path] = operations.slice(index, end).flatMap((call) => executedBy(call) ?? []);
    if (path === undefined || this.#over || !['init', 'exec'].includes(executor.role)) return;
    const told = this.#line.send({ event: 'executing', pid: executor.pid, path });
    if (told && !this.#line.receive()) this.#giveUp(undefined);
    this.#going.toBreakpoint();
  }

  /** Stops before an operation, if it is to. Whether it shall be left out. */
  #pause(
    at: Operation,
    step: Step | undefined,
    skippable: boolean,
    within: readonly Operation[] = [],
  ): boolean {
    if (this.#over) return false;
    const breakpoints = [...new Set([at, ...within].flatMap((each) => this.breakpoints.hit(each)))];
    const arrived = this.#going.arrives(at);
    if (breakpoints.length === 0 && !arrived) return false;
    const reason = breakpoints.length > 0 ? 'breakpoint' : 'step';
    return this.#stop({ reason, breakpoints, at, step, skippable }) === 'skip';
  }

  #attemptFailed(error: unknown, skippable: boolean, retryable: boolean): Verdict {
    if (this.#over || !(error instanceof Error) || error instanceof CallerGone || error instanceof GivenUp)
      return 'fail';
    if (this.#told.has(error) || !this.breakpoints.atErrors()) return 'fail';
    this.#told.add(error);
    // Of an attempt the last call that has failed; otherwise only one after which nothing was done.
    const last = this.#history.operations.at(-1);
    const recent = retryable ? this.#from : (last?.number ?? 1) - 1;
    const failed = this.#failed && this.#failed.number > recent ? this.#failed : undefined;
    const verdict = this.#stop({
      reason: 'error',
      at: failed?.operation ?? last,
      step: failed?.step,
      error,
      skippable,
      retryable,
    });
    if (verdict === 'skip') this.#line.warn(`left out: ${messageOf(error)}`);
    if (verdict === 'retry' || verdict === 'skip') return verdict;
    this.#undo();
    return 'fail';
  }

  /** Stops, until the debugger has it go on. */
  #stop(stop: Stop): 'go' | 'retry' | 'skip' {
    const { reason, breakpoints = [], at, error, skippable = false, retryable = false } = stop;
    const other = this.#line.meet();
    if (!other) this.#over = true;
    else if (!this.#config.isPrepared) this.#line.tellConfig();
    const stopped = {
      event: 'stopped' as const,
      reason,
      breakpoints,
      at,
      error: error === undefined ? undefined : messageOf(error),
      property: propertyOf(error) ?? at?.property ?? this.#property(),
      process: this.#init ?? stop.step?.executor.pid,
      init: this.#init,
      rootfs: this.#inside ? undefined : this.#config.rootfs,
      env: stop.step && environmentIn(stop.step.operations),
      skippable,
      retryable,
    };
    if (!other) {
      this.#options.look?.(stopped);
      return 'go';
    }
    const told = other.send(stopped);
    for (let request = told ? other.receive() : undefined; request; request = other.receive()) {
      const verdict = this.#answer(request, stop, other);
      if (!verdict) continue;
      other.send({ answer: 'going' });
      return verdict === 'quit' ? this.#giveUp(error) : verdict;
    }
    this.#line.hangUp();
    return this.#giveUp(error);
  }

  #answer(request: Request, stop: Stop, other: Debugger): 'go' | 'retry' | 'skip' | 'quit' | undefined {
    const { at, error, skippable = false, retryable = false } = stop;
    const refuse = (message: string) => void other.send({ answer: 'refused', message });
    switch (request.request) {
      case 'break':
        return void other.send(addBreakpoint(this.breakpoints, this.#config, request.where));
      case 'delete':
        return void other.send(deleteBreakpoints(this.breakpoints, request.ids));
      case 'breakpoints':
        return void other.send({ answer: 'breakpoints', breakpoints: this.breakpoints.list() });
      case 'list':
        return void other.send(this.#history.list(stop, request.count, this.#property()));
      case 'edit':
        return void this.#edit(stop, other);
      case 'quit':
        return 'quit';
      case 'retry':
        if (retryable) return 'retry';
        return refuse(
          error === undefined
            ? 'nothing has failed here: there is nothing to do again'
            : 'this cannot be done again by itself: quit, and begin anew',
        );
      case 'skip':
        if (skippable) return 'skip';
        return refuse('this cannot be left out: what follows works with what comes of it');
      case 'continue':
        this.#going.toBreakpoint();
        return 'go';
      case 'step':
      case 'next':
        if (error !== undefined)
          return refuse('this has failed: retry, skip, edit; continue lets it fail, and takes all back');
        if (request.request === 'step') this.#going.step(request.count);
        else this.#going.next(request.count, at);
        return 'go';
      case 'ready':
        return undefined;
    }
  }

  /** At a failure that failure is what the command ends with. */
  #giveUp(error: unknown): 'go' {
    this.#undo();
    if (error === undefined) throw new GivenUp();
    return 'go';
  }

  #undo(): void {
    if (this.#over) return;
    this.#over = true;
    this.#line.send({ event: 'undoing' });
  }

  /** The debugger is told the config before the answer. */
  #edit(stop: Stop, other: Debugger): void {
    const answer = takeEdit(this.#config, stop, this.#history);
    if (answer.answer === 'edit') this.#line.tellConfig();
    other.send(answer);
  }

  #property(): string | undefined {
    return this.#attempts.findLast(({ property }) => property !== undefined)?.property;
  }

  #describe(step: Step, result?: number): Operation {
    return this.#history.describe(step, this.#property(), result);
  }
}
