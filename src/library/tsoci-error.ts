// Errors of the executable, in fields.

/** What an error is made of beside its message. */
export interface ErrorFields {
  /** What was being done, and on what: `mount proc on /proc`. */
  readonly step?: string | undefined;
  /** The path that the step names last, which is what it was done to. */
  readonly target?: string | undefined;
  /** The kernel's answer, a positive number. */
  readonly errno?: number | undefined;
  /** Its name: `ENOENT`. */
  readonly code?: string | undefined;
  /** The property of the configuration that was being applied: `mounts[2]`. */
  readonly property?: string | undefined;
  /** What may help. */
  readonly hint?: string | undefined;
}

/** What tsoci could not do. The message is the line that a person would see. */
export class TsociError extends Error implements ErrorFields {
  override readonly name = 'TsociError';
  readonly step: string | undefined;
  readonly target: string | undefined;
  readonly errno: number | undefined;
  readonly code: string | undefined;
  readonly property: string | undefined;
  readonly hint: string | undefined;
  /** The command of tsoci that failed: `create`. Undefined if the library failed before it. */
  readonly command: string | undefined;

  /** @internal */
  constructor(message: string, fields: ErrorFields & { command?: string | undefined; cause?: unknown } = {}) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.step = fields.step;
    this.target = fields.target;
    this.errno = fields.errno;
    this.code = fields.code;
    this.property = fields.property;
    this.hint = fields.hint;
    this.command = fields.command;
  }
}

/** The failure of a call of Node in the words of tsoci: what was being done, on what, and the kernel's answer. */
export function systemError(step: string, target: string, cause: unknown, hint?: string): TsociError {
  const { errno, code } = cause as NodeJS.ErrnoException;
  const answer = code ?? (cause instanceof Error ? cause.message : String(cause));
  const fields = { step: `${step} ${target}`, target, code, hint, cause };
  return new TsociError(`${step} ${target}: ${answer}${hint ? `; ${hint}` : ''}`, {
    ...fields,
    errno: errno === undefined ? undefined : Math.abs(errno),
  });
}
