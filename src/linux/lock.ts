// A directory as a lock: who works on what is in it holds it by flock(2), which ends with the process.

import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { LOCK_EX, LOCK_NB } from './constants.ts';
import { EAGAIN, ENOENT } from './errno.ts';
import { errnoOf, TsociError } from './errors.ts';
import { syscall } from './ffi.ts';
import { SYS } from './syscalls.ts';
import { waitUntil } from './wait-until.ts';

/**
 * Takes the lock, which others may have for at most that many milliseconds longer; closing the descriptor unlocks it.
 * Undefined when there is no such directory.
 */
export function lockDirectory(directory: string, milliseconds: number): number | undefined {
  for (;;) {
    let fd: number;
    try {
      fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
    } catch (error) {
      if (errnoOf(error) === ENOENT) return undefined;
      throw TsociError.from(`open ${directory}`, error);
    }
    try {
      waitForLock(directory, fd, milliseconds);
      // Who held the lock may have removed the directory, and another process may have made it anew.
      if (fstatSync(fd).ino === statSync(directory, { throwIfNoEntry: false })?.ino) return fd;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    closeSync(fd);
  }
}

/** Not in flock(2) itself, which takes no time and would not give up when the caller is killed. */
function waitForLock(directory: string, fd: number, milliseconds: number): void {
  const take = () => {
    const result = syscall(SYS.flock, fd, LOCK_EX | LOCK_NB);
    if (result < 0 && result !== -EAGAIN) throw TsociError.fromErrno(`lock ${directory}`, -result);
    return result === 0;
  };
  if (waitUntil(take, milliseconds)) return;
  const holder = holderOf(fd);
  const who = holder === undefined ? 'another command' : `another command (process ${holder})`;
  throw new TsociError(`lock ${directory}: ${who} has worked on it for ${milliseconds / 1000} s`);
}

/** The process that has the lock, if it is in sight (proc_locks(5)). */
function holderOf(fd: number): number | undefined {
  const { ino } = fstatSync(fd);
  const line = new RegExp(`FLOCK +ADVISORY +WRITE +(\\d+) +[\\da-f:]+:${ino} `);
  try {
    return Number(line.exec(readFileSync('/proc/locks', 'utf8'))?.[1]) || undefined;
  } catch {
    return undefined;
  }
}
