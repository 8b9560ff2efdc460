// Commands on one container take turns: they lock its directory.

import { closeSync } from 'node:fs';
import { lockDirectory } from '../../linux/lock.ts';
import { containerDirectory, doesNotExist } from './store.ts';

/** How long a command waits for its turn, in milliseconds: longer than what tsoci does, if not what hooks do. */
const TIMEOUT = 10_000;

/** Runs `body` while no other command works on the container. */
export function withLock<T>(root: string, id: string, body: (directory: string) => T): T {
  const directory = containerDirectory(root, id);
  const fd = lockContainer(directory, id);
  try {
    return body(directory);
  } finally {
    closeSync(fd);
  }
}

/** Locks a container's directory; closing the descriptor unlocks it. */
export function lockContainer(directory: string, id: string): number {
  const fd = lockDirectory(directory, TIMEOUT);
  if (fd === undefined) throw doesNotExist(id);
  return fd;
}
