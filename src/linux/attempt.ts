// Work that can be done again when it has failed, for who debugs it (`tsoci debug`). Nobody else is asked, and nothing is done
// twice: then `attempt` only does it.

/** What becomes of work that has failed. */
export type Verdict = 'fail' | 'retry' | 'skip';

export interface FailureHandler {
  /** Work begins that is told of as a whole: a call in it that fails may be one that it has another way for. */
  enter(property: string | undefined): void;
  leave(): void;
  /** It has failed, and nothing was taken back. `skippable`: what comes after it can do without it. */
  failed(error: unknown, skippable: boolean): Verdict;
  /** All has failed that was to be done, and nothing was taken back. */
  ended(error: unknown): void;
  /** A descriptor that has something to read when whoever debugs is gone; undefined: nobody is there. */
  readonly watched: number | undefined;
}

let handler: FailureHandler | undefined;

/** From here on failures are told to it, until the result is called. */
export function handleFailures(by: FailureHandler): () => void {
  handler = by;
  return () => {
    handler = undefined;
  };
}

/** What whoever waits for long has to look at, too: when it has something to read, nobody debugs any more. */
export function debuggerWatched(): number | undefined {
  return handler?.watched;
}

/** Whether somebody looks at each step: then what is usually done together is done one by one. */
export function isDebugged(): boolean {
  return handler !== undefined;
}

/** Does work for a property of config.json that can be done again. */
export function attempt<T>(property: string | undefined, work: () => T): T {
  return attemptOr(property, work, undefined);
}

/** The same for work that can be left out. */
export function attemptOrSkip(property: string | undefined, work: () => void): void {
  attemptOr(property, work, () => {});
}

function attemptOr<T>(property: string | undefined, work: () => T, skipped: (() => T) | undefined): T {
  const by = handler;
  if (!by) return work();
  for (;;) {
    by.enter(property);
    let failure: unknown;
    try {
      return work();
    } catch (error) {
      failure = error;
    } finally {
      by.leave();
    }
    const verdict = by.failed(failure, skipped !== undefined);
    if (verdict === 'skip' && skipped) return skipped();
    if (verdict !== 'retry') throw failure;
  }
}

/** The same for work that is awaited. */
export async function attemptAsync<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (handler?.failed(error, false) !== 'retry') throw error;
    }
  }
}

/** Work that cannot be done again: its failure is looked at before anything is taken back. */
export function onceOnly<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    handler?.ended(error);
    throw error;
  }
}
