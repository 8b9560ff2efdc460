// Errors as a person reads them: what was being done, on what, and the kernel's answer.

import { errnoMessages } from './errno.ts';

export interface TsociErrorOptions {
  errno?: number | undefined;
  cause?: unknown;
  property?: string | undefined;
  /** Whether the message names the property already, or its place. */
  propertyTold?: boolean;
  step?: string | undefined;
  hint?: string | undefined;
}

/** What a message says, in fields for a program (--log-format json). */
export interface ErrorDetails {
  /** What was being done, and on what: `mount proc on /proc`. */
  step?: string;
  /** The path that the step names last, which is what it was done to. */
  target?: string;
  /** The kernel's answer, a positive number, and its name: `ENOENT`. */
  errno?: number;
  code?: string;
  /** The property of config.json that was being applied: `mounts[2]`. */
  property?: string;
  /** What may help. */
  hint?: string;
}

/** An error to print as one line. `doing` says what was attempted and on what: "mount proc on /proc". */
export class TsociError extends Error {
  override name = 'TsociError';
  /** The kernel's errno (a positive number), if a system call failed. */
  readonly errno: number | undefined;

  /** The property of config.json that was being applied: `mounts[2]`. */
  property: string | undefined;
  /** Whether the message names the property already, or its place. */
  readonly propertyTold: boolean;
  /** What was being done, if it is known apart from the message. */
  readonly step: string | undefined;
  readonly hint: string | undefined;

  constructor(message: string, options: TsociErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.errno = options.errno;
    this.property = options.property;
    this.propertyTold = options.propertyTold ?? false;
    this.step = options.step;
    this.hint = options.hint;
  }

  /** The same error, with a hint more. */
  hinted(hint: string): TsociError {
    const { errno, property, propertyTold, step } = this;
    const hints = this.hint === undefined ? hint : `${this.hint}; ${hint}`;
    const options = { errno, property, propertyTold, step, hint: hints, cause: this };
    return new TsociError(`${this.message}; ${hint}`, options);
  }

  /** The error is one of this property, unless it is known to be of another. */
  for(property: string | undefined): this {
    this.property ??= property;
    return this;
  }

  /** The failure of a system call: `doing: ENOENT (No such file or directory)`, and a hint where one helps. */
  static fromErrno(doing: string, errno: number, hint?: string): TsociError {
    const message = `${doing}: ${describeErrno(errno)}${hint ? `; ${hint}` : ''}`;
    return new TsociError(message, { errno, step: doing, hint });
  }

  /** The failure of a call of node:fs and the like, told the same way. */
  static from(doing: string, error: unknown, hint?: string): TsociError {
    const errno = errnoOf(error);
    if (errno !== undefined) return TsociError.fromErrno(doing, errno, hint);
    const message = `${doing}: ${messageOf(error)}${hint ? `; ${hint}` : ''}`;
    return new TsociError(message, { cause: error, step: doing, hint });
  }
}

/** Does something for a property of config.json: an error that is not known to be of another is its. */
export function forProperty<T>(property: string | undefined, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw error instanceof TsociError ? error.for(property) : error;
  }
}

/** libuv's own error numbers, which Node hands out where it lost the kernel's, are those from here on (uv/errno.h). */
const FIRST_OF_LIBUV = 3000;

/** The errno (positive) that an error of node:fs or a TsociError carries; undefined for other errors. */
export function errnoOf(error: unknown): number | undefined {
  if (error instanceof TsociError) return error.errno;
  if (!(error instanceof Error && 'errno' in error && typeof error.errno === 'number')) return undefined;
  const errno = Math.abs(error.errno);
  return errno < FIRST_OF_LIBUV ? errno : undefined;
}

/** What the engine throws by itself, at a mistake of ours or for lack of memory. */
const engineErrors = [TypeError, RangeError, ReferenceError];

/** Whether nobody foresaw an error. One of the engine's remains one where it is known what was being done (TsociError.from). */
export function isInternal(error: unknown): boolean {
  if (!(error instanceof TsociError)) return errnoOf(error) === undefined;
  const origin = originOf(error);
  // Those with a code are of Node's functions: they refuse what they are given, such as a path with a NUL in it.
  return engineErrors.some((type) => origin instanceof type) && !Object.hasOwn(Object(origin), 'code');
}

/** The error that was first. */
export function originOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? originOf(error.cause) : error;
}

/** `ENOENT (No such file or directory)`. */
export function describeErrno(errno: number): string {
  const known = errnoMessages[errno];
  return known ? `${known[0]} (${known[1]})` : `errno ${errno}`;
}

/** What to print of an error. One of node:fs that nobody has put in words gets the three parts too: `open /x: ENOENT (…)`. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const errno = errnoOf(error);
  if (errno === undefined || error instanceof TsociError) return error.message;
  return `${stepOf(error)}: ${describeErrno(errno)}`;
}

/** What a call of node:fs was doing. */
function stepOf(error: Error): string {
  const { syscall, path, dest } = error as NodeJS.ErrnoException & { dest?: string };
  const paths = [path, dest].filter((part) => part !== undefined).join(' to ');
  return `${syscall ?? 'work'}${paths && ` ${paths}`}`;
}

/** What is known of an error beside its message. */
export function detailsOf(error: unknown): ErrorDetails {
  if (!(error instanceof Error)) return {};
  const errno = errnoOf(error);
  const known: TsociErrorOptions =
    error instanceof TsociError ? error : { step: errno === undefined ? undefined : stepOf(error) };
  const { step, property, hint } = known;
  const target = step && targetOf(step);
  const code = errno === undefined ? undefined : errnoMessages[errno]?.[0];
  const all = { step, target, errno, code, property, hint };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** Steps end with what they are done to; `, which …` may follow. */
function targetOf(step: string): string | undefined {
  return /^(?:.*\s)?(\/.*?)(?:, which .*)?$/s.exec(step)?.[1];
}
