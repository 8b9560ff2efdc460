// Errors, warnings and debug messages: to standard error for a person, to the --log file for an engine.
//
// Engines show the last line of level "error" of the log file to their users, so both formats are those that runc
// writes (the Go library logrus): one JSON object a line, or `time="…" level=error msg="…"`. An object has fields of ours
// behind those: what programs need of an error (ErrorDetails).

import { closeSync, openSync } from 'node:fs';
import { type ErrorDetails, TsociError } from '../linux/errors.ts';
import { writeAll } from './output.ts';

export const LEVELS = ['error', 'warning', 'info', 'debug'] as const;
export type Level = (typeof LEVELS)[number];

export const FORMATS = ['text', 'json'] as const;
export type Format = (typeof FORMATS)[number];

export interface LogOptions {
  /** The log file; undefined: standard error, in words for a person unless a format is asked for. */
  file?: string | undefined;
  format?: Format | undefined;
  /** The least important level that is written. */
  level: Level;
}

export type Log = (level: Level, message: string, details?: ErrorDetails) => void;

/** Opens the log. The file, a path of ours, is made if it does not exist, and appended to; disposal closes it. */
export function openLog({ file, format, level: threshold }: LogOptions, stderr: number): Log & Disposable {
  const fd = file === undefined || file === '/dev/stderr' ? stderr : openFile(file);
  const forPerson = file === undefined && format === undefined;
  const log: Log = (level, message, details) => {
    if (LEVELS.indexOf(level) > LEVELS.indexOf(threshold)) return;
    const line = forPerson
      ? personLine(level, message)
      : logLine(format ?? 'text', level, message, new Date(), details);
    try {
      writeAll(fd, line);
    } catch {
      // A log that cannot be written (its reader is gone, the disk is full) must not fail a container.
    }
    if (level === 'error' && fd !== stderr) tellPerson(stderr, message);
  };
  return Object.assign(log, {
    [Symbol.dispose]: () => {
      if (fd !== stderr) closeSync(fd);
    },
  });
}

/** An error before there is a log, or beside one. */
export function tellPerson(stderr: number, message: string): void {
  try {
    writeAll(stderr, personLine('error', message));
  } catch {
    // Nobody listens; the exit status still tells.
  }
}

function openFile(path: string): number {
  try {
    return openSync(path, 'a', 0o644);
  } catch (error) {
    throw TsociError.from(`open log file ${path}`, error);
  }
}

/** `tsoci: message`, in one line but for the stack of --debug; no control character reaches the terminal. */
function personLine(level: Level, message: string): string {
  const prefix = level === 'error' ? '' : `${level}: `;
  const control = level === 'debug' ? /(?!\n)\p{Cc}/gu : /\p{Cc}/gu;
  return `tsoci: ${prefix}${message.replace(control, escapeControl)}\n`;
}

function escapeControl(character: string): string {
  return character === '\n' ? '\\n' : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

/** One line of a log file. */
export function logLine(
  format: Format,
  level: Level,
  message: string,
  time: Date,
  details: ErrorDetails = {},
): string {
  const stamp = time.toISOString();
  if (format === 'json') return `${JSON.stringify({ level, msg: message, time: stamp, ...details })}\n`;
  const quoted = /^[\w./@^+-]+$/.test(message) ? message : JSON.stringify(message);
  return `time="${stamp}" level=${level} msg=${quoted}\n`;
}
