// A directory as a lock: who works on what is in it holds it by flock(2), which ends with the process.

import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs';
import { LOCK_EX, LOCK_NB } from './constants.ts';
import { EAGAIN, ENOENT } from './errno.ts';
import { errnoOf, TsociError } from './errors.ts';
import { syscall } from './ffi.ts';
import { SYS } from './syscalls.ts';
import { waitUntil } from './wait-until.ts';

/** Waits for the lock; closing the descriptor unlocks it. Undefined when there is no such directory. */
export function lockDirectory(directory: string): number | undefined {
  for (;;) {
    let fd: number;
    try {
      fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
    } catch (error) {
      if (errnoOf(error) === ENOENT) return undefined;
      throw TsociError.from(`open ${directory}`, error);
    }
    try {
      waitForLock(directory, fd);
      // Who held the lock may have removed the directory, and another process may have made it anew.
      if (fstatSync(fd).ino === statSync(directory, { throwIfNoEntry: false })?.ino) return fd;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    closeSync(fd);
  }
}

/** Not in flock(2) itself: whoever waits for a lock must give up when the caller is killed. */
function waitForLock(directory: string, fd: number): void {
  waitUntil(() => {
    const result = syscall(SYS.flock, fd, LOCK_EX | LOCK_NB);
    if (result < 0 && result !== -EAGAIN) throw TsociError.fromErrno(`lock ${directory}`, -result);
    return result === 0;
  }, Number.POSITIVE_INFINITY);
}
