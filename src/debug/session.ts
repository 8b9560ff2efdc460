// The side of the command that is debugged: it stops before operations and at failures, and does what the debugger asks.
// While it is stopped this process waits, and so does all that it makes.

import type { Creation } from '../container/create/creation.ts';
import type { FailureHandler, Verdict } from '../linux/attempt.ts';
import { closeDescriptor } from '../linux/descriptor.ts';
import { messageOf, TsociError } from '../linux/errors.ts';
import type { Phase } from '../linux/steps.ts';
import { CallerGone } from '../linux/wanted.ts';
import { executedBy } from '../stub/program.ts';
import { Breakpoints } from './breakpoints.ts';
import { DebuggedConfig } from './debugged-config.ts';
import { describeStep, environmentIn, explained, isSkippable, propertyOf, subjectOf } from './operations.ts';
import type { Answer, Event, MessageSocket, Operation, Reason, Request } from './protocol.ts';
import { type Decider, isPiece, type Step } from './step-by-step.ts';
import { showWhere } from './where.ts';

type Debugger = MessageSocket<Request, Event | Answer>;

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

/** Until where it goes on. */
type Going =
  | { kind: 'continue' }
  | { kind: 'step'; left: number }
  /** Until another property is applied, or something else is done. */
  | { kind: 'next'; left: number; from: string };

interface Stop {
  reason: Reason;
  breakpoints?: number[];
  at: Operation | undefined;
  step?: Step | undefined;
  error?: unknown;
  skippable?: boolean;
  retryable?: boolean;
}

export interface SessionOptions {
  /** Waits for a debugger to come; undefined: none has. It is asked at the first stop. The connection is closed here. */
  meet: () => Debugger | undefined;
  /** In place of a debugger: looks at a failure, and lets it fail. */
  look?: (stopped: Event & { event: 'stopped' }) => void;
  /** What the debugger is told first. */
  hello: Omit<Event & { event: 'hello' }, 'event' | 'waits'>;
  /** The config, of which nothing is known until it was read and found valid. */
  configFile: string | undefined;
  /** Whether to stop before anything is done. */
  waits: boolean;
}

export class Session implements Decider, FailureHandler {
  readonly breakpoints = new Breakpoints();
  readonly #options: SessionOptions;
  #debugger: Debugger | undefined;
  #met = false;
  /** All that has been done, in order. */
  readonly #done: Operation[] = [];
  #going: Going = { kind: 'continue' };
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
  }

  get watched(): number | undefined {
    return this.#over ? undefined : this.#debugger?.fd;
  }

  /** The first stop, where the debugger waits for us. */
  begin(): void {
    if (this.#options.waits) this.#stop({ reason: 'start', at: undefined });
  }

  /** What is going to be made; its config can be edited. */
  prepared(creation: Creation, root: string): void {
    this.#config.prepared(creation, root);
    this.#tellConfig();
  }

  /** Nothing will stop any more. */
  end(): void {
    this.#over = true;
    this.#debugger?.send({ event: 'done' });
    this.#hangUp();
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
    this.#record({ ...at, result: '0 (left out)' });
    this.#warn(`${at.doing} was left out, and taken for done: what follows may fail, or be less safe`);
    return 'skip';
  }

  done(step: Step, result: number | undefined): void {
    const { executor, operations, index } = step;
    const call = operations[index];
    if (!call) return;
    const operation = this.#describe(step, result);
    this.#record(operation);
    if (['init', 'exec'].includes(executor.role) && call.call !== 'execve') this.#init = executor.pid;
    if (executor.role === 'init' && call.call === 'pivot_root') this.#inside = true;
    const number = this.#done.length;
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
    if (verdict === 'skip') this.#warn(`${at.doing} has failed, and is taken for done`);
    if (verdict === 'retry' || verdict === 'skip') return verdict;
    this.#undo();
    return 'fail';
  }

  // FailureHandler

  failed(error: unknown, skippable: boolean): Verdict {
    return this.#attemptFailed(error, skippable, true);
  }

  enter(property: string | undefined): void {
    this.#attempts.push({ property, from: this.#done.length });
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
      number: this.#done.length + 1,
      role: 'host',
      text: doing,
      doing,
      property: this.#property(),
      phase,
    };
    this.#pause(operation, undefined, false);
    this.#record(operation);
  }

  /** The process of the container has the terminal as soon as it is executed: the debugger lets go of it before. */
  #handOver({ executor, operations, index, end }: Step): void {
    const [path] = operations.slice(index, end).flatMap((call) => executedBy(call) ?? []);
    if (path === undefined || this.#over || !['init', 'exec'].includes(executor.role)) return;
    const told = this.#debugger?.send({ event: 'executing', pid: executor.pid, path });
    if (told && !this.#debugger?.receive()) this.#giveUp(undefined);
    this.#going = { kind: 'continue' };
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
    const arrived = this.#arrives(at);
    if (breakpoints.length === 0 && !arrived) return false;
    const reason = breakpoints.length > 0 ? 'breakpoint' : 'step';
    return this.#stop({ reason, breakpoints, at, step, skippable }) === 'skip';
  }

  #arrives(at: Operation): boolean {
    const going = this.#going;
    if (going.kind === 'continue') return false;
    if (going.kind === 'next' && subjectOf(at) === going.from) return false;
    if (going.kind === 'next') going.from = subjectOf(at);
    going.left--;
    return going.left <= 0;
  }

  #attemptFailed(error: unknown, skippable: boolean, retryable: boolean): Verdict {
    if (this.#over || !(error instanceof Error) || error instanceof CallerGone || error instanceof GivenUp)
      return 'fail';
    if (this.#told.has(error) || !this.breakpoints.atErrors()) return 'fail';
    this.#told.add(error);
    // Of an attempt the last call that has failed; otherwise only one after which nothing was done.
    const last = this.#done.at(-1);
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
    if (verdict === 'skip') this.#warn(`left out: ${messageOf(error)}`);
    if (verdict === 'retry' || verdict === 'skip') return verdict;
    this.#undo();
    return 'fail';
  }

  /** Stops, until the debugger has it go on. */
  #stop(stop: Stop): 'go' | 'retry' | 'skip' {
    const { reason, breakpoints = [], at, error, skippable = false, retryable = false } = stop;
    const other = this.#meet();
    if (other && !this.#config.isPrepared) this.#tellConfig();
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
    this.#hangUp();
    return this.#giveUp(error);
  }

  #answer(request: Request, stop: Stop, other: Debugger): 'go' | 'retry' | 'skip' | 'quit' | undefined {
    const { at, error, skippable = false, retryable = false } = stop;
    const refuse = (message: string) => void other.send({ answer: 'refused', message });
    switch (request.request) {
      case 'break':
        return void other.send(this.#addBreakpoint(request.where));
      case 'delete':
        return void other.send(this.#deleteBreakpoints(request.ids));
      case 'breakpoints':
        return void other.send({ answer: 'breakpoints', breakpoints: this.breakpoints.list() });
      case 'list':
        return void other.send(this.#list(stop, request.count));
      case 'edit':
        return void other.send(this.#edit(stop));
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
        this.#going = { kind: 'continue' };
        return 'go';
      case 'step':
      case 'next':
        if (error !== undefined)
          return refuse('this has failed: retry, skip, edit; continue lets it fail, and takes all back');
        this.#going =
          request.request === 'step'
            ? { kind: 'step', left: request.count }
            : { kind: 'next', left: request.count, from: at ? subjectOf(at) : '' };
        return 'go';
      case 'ready':
        return undefined;
    }
  }

  /** A server goes on after the command, and what is open would stay so. */
  #hangUp(): void {
    if (this.#debugger) closeDescriptor(this.#debugger.fd);
    this.#debugger = undefined;
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
    this.#debugger?.send({ event: 'undoing' });
  }

  #addBreakpoint(text: string): Answer {
    try {
      const { id, where } = this.breakpoints.add(text);
      const { property } = 'property' in where ? where : { property: undefined };
      const note =
        property !== undefined && !this.#config.has(property) ? `config.json has no ${property}` : undefined;
      return { answer: 'break', id, where: showWhere(where), note };
    } catch (error) {
      return { answer: 'refused', message: messageOf(error) };
    }
  }

  #deleteBreakpoints(ids: readonly number[]): Answer {
    try {
      return { answer: 'delete', ids: this.breakpoints.delete(ids) };
    } catch (error) {
      return { answer: 'refused', message: messageOf(error) };
    }
  }

  #list({ at, step, error }: Stop, count: number): Answer {
    const failed = error !== undefined;
    const here = failed && at ? at.number - 1 : this.#done.length;
    return {
      answer: 'list',
      before: this.#done.slice(Math.max(0, here - count), here),
      at,
      error: failed,
      after: failed ? this.#done.slice(here + 1) : this.#rest(step, count),
    };
  }

  /** The operations of the program behind a step. What the next program will have is not known yet. */
  #rest(step: Step | undefined, count: number): Operation[] {
    if (!step) return [];
    const { operations, index } = step;
    return operations.slice(index + 1, index + 1 + count).map((_, i) => ({
      ...this.#describe({ ...step, index: index + 1 + i }),
      number: this.#done.length + 2 + i,
    }));
  }

  #edit({ at, error }: Stop): Answer {
    const reached = propertyOf(error) ?? at?.property;
    try {
      const changed = this.#config.edit({ reached, done: this.#done }, error !== undefined);
      this.#tellConfig();
      return { answer: 'edit', changed };
    } catch (failure) {
      return { answer: 'refused', message: messageOf(failure) };
    }
  }

  #meet(): Debugger | undefined {
    if (this.#met) return this.#debugger;
    this.#met = true;
    this.#debugger = this.#options.meet();
    if (!this.#debugger) {
      this.#over = true;
      return undefined;
    }
    this.#debugger.send({ event: 'hello', ...this.#options.hello, waits: this.#options.waits });
    this.#tellConfig();
    return this.#debugger;
  }

  #tellConfig(): void {
    const { source } = this.#config;
    if (source) this.#debugger?.send({ event: 'config', ...source });
  }

  #warn(message: string): void {
    this.#debugger?.send({ event: 'warning', message });
  }

  #property(): string | undefined {
    return this.#attempts.findLast(({ property }) => property !== undefined)?.property;
  }

  #record(operation: Operation): void {
    this.#done.push({ ...operation, number: this.#done.length + 1 });
  }

  #describe(step: Step, result?: number): Operation {
    return describeStep(step, { number: this.#done.length + 1, property: this.#property(), result });
  }
}
