// A directory as a lock: who works on what is in it holds it by flock(2), which ends with the process.

import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs';
import { LOCK_EX } from './constants.ts';
import { check } from './descriptor.ts';
import { ENOENT } from './errno.ts';
import { errnoOf, TsociError } from './errors.ts';

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
      check(`lock ${directory}`, 'flock', fd, LOCK_EX);
      // Who held the lock may have removed the directory, and another process may have made it anew.
      if (fstatSync(fd).ino === statSync(directory, { throwIfNoEntry: false })?.ino) return fd;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    closeSync(fd);
  }
}
