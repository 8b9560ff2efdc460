// What the executable says with --log-format json: a JSON object a line.

import { type ErrorFields, TsociError } from './tsoci-error.ts';

/** A warning or a debug message of tsoci. */
export interface LogEntry {
  readonly level: 'error' | 'warning' | 'info' | 'debug';
  readonly message: string;
}

/** A line of the log: the names are those of the Go library logrus, and those of src/linux/errors.ts. */
interface Line extends ErrorFields {
  readonly level: LogEntry['level'];
  readonly msg: string;
}

/** What a command has said. Lines that are not of the log, such as the launcher's own, are errors too. */
export function readLog(text: string): Line[] {
  return text.split('\n').flatMap((line) => {
    if (line === '') return [];
    return [logged(line) ?? ({ level: 'error', msg: line.replace(/^tsoci: /, '') } as const)];
  });
}

/** Undefined for what is no line of the log, such as a number. */
function logged(line: string): Line | undefined {
  try {
    const value: Line | null = JSON.parse(line);
    return typeof value?.level === 'string' && typeof value.msg === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Tells `log` all but errors. */
export function tell(lines: readonly Line[], log: ((entry: LogEntry) => void) | undefined): void {
  for (const { level, msg } of lines) if (level !== 'error') log?.({ level, message: msg });
}

/** The error that a command has ended with. */
export function failureOf(command: string, lines: readonly Line[], status: string): TsociError {
  const last = lines.findLast(({ level }) => level === 'error');
  if (!last) return new TsociError(`${command} ended without a reason (${status})`, { command });
  return new TsociError(last.msg, { ...last, command });
}
