// The caller of this process.

import type { Caller } from '../linux/caller.ts';
import { TsociError } from '../linux/errors.ts';
import type { Log } from './log.ts';
import { writeAll } from './output.ts';

/** Reads what is asked for only when it is asked for: each costs a system call or more. */
export function processCaller(args: readonly string[], log: Log): Caller {
  return {
    args,
    get env() {
      return process.env;
    },
    get cwd() {
      return workingDirectory();
    },
    get pid() {
      return process.pid;
    },
    get uid() {
      return process.geteuid?.() ?? 0;
    },
    get gid() {
      return process.getegid?.() ?? 0;
    },
    stdio: [0, 1, 2],
    write: writeAll,
    warn: (message) => log('warning', message),
    debug: (message) => log('debug', message),
  };
}

function workingDirectory(): string {
  try {
    return process.cwd();
  } catch (error) {
    throw TsociError.from('find the working directory', error, 'was it removed?');
  }
}
