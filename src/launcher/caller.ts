// What a command knows of whoever called it. Code below cli/ is given this and never reads `process` itself: that is the
// runtime, whose directory, environment and descriptors are none of the caller's.

import type { Launcher } from '../stub/launcher.ts';
import type { CallerSignals } from './signals.ts';

export interface Caller {
  /** The arguments behind the program's name. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The absolute working directory. Reading it throws when the directory is gone. */
  readonly cwd: string;
  readonly umask: number;
  /** The process that works for the caller: the launcher. */
  readonly pid: number;
  /** Its proc_pid_status(5). */
  readonly status: string;
  /** Starts what is to be a child of that process. */
  readonly launcher: Launcher;
  /** Signals to that process. */
  readonly signals: CallerSignals;
  /** The effective user and group. */
  readonly uid: number;
  readonly gid: number;
  /** The descriptors that are the caller's standard input, output and error. */
  readonly stdio: readonly [stdin: number, stdout: number, stderr: number];
  /** Writes all of it, waiting where the descriptor would block. Throws TsociError. */
  write(fd: number, text: string | Uint8Array): void;
  /** Tells of something that did not stop the command: to the log file, else to standard error. */
  warn(message: string): void;
  /** Tells of a step, with --debug only. */
  debug(message: string): void;
}
