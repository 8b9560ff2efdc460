// Commands on one container take turns: flock(2) on its directory.

import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs';
import { LOCK_EX } from '../../linux/constants.ts';
import { check } from '../../linux/descriptor.ts';
import { ENOENT } from '../../linux/errno.ts';
import { errnoOf, TsociError } from '../../linux/errors.ts';
import { containerDirectory } from './store.ts';

/** Runs `body` while no other command works on the container. */
export function withLock<T>(root: string, id: string, body: (directory: string) => T): T {
  const directory = containerDirectory(root, id);
  const fd = lock(directory, id);
  try {
    return body(directory);
  } finally {
    closeSync(fd);
  }
}

/** Locks a container's directory; closing the descriptor unlocks it. */
export function lock(directory: string, id: string): number {
  for (;;) {
    let fd: number;
    try {
      fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
    } catch (error) {
      if (errnoOf(error) === ENOENT)
        throw new TsociError(`container ${id} does not exist`, { errno: ENOENT });
      throw TsociError.from(`open ${directory}`, error);
    }
    try {
      check(`lock ${directory}`, 'flock', fd, LOCK_EX);
      // Whoever held it may have deleted the container, and another may have made it anew.
      if (fstatSync(fd).ino === statSync(directory, { throwIfNoEntry: false })?.ino) return fd;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    closeSync(fd);
  }
}
