// A copy of a built tsoci for other users, who may not be let in where it was built: root's home is closed to them.

import { copyFileSync, existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { files } from './files.ts';

/** Whether other users may execute what is in a directory, as far as the directories on the way to it go. */
export function isOpenToOthers(directory: string): boolean {
  const searchable = (statSync(directory).mode & 0o001) !== 0;
  return searchable && (directory === dirname(directory) || isOpenToOthers(dirname(directory)));
}

/**
 * Copies tsoci, by its path, into a directory; returns the path there. One that is installed has its runtime elsewhere,
 * where everybody may execute it: its own path is returned.
 */
export function copyExecutable(tsoci: string, directory: string): string {
  const from = dirname(tsoci);
  if (!files.every((name) => existsSync(join(from, name)))) return tsoci;
  for (const name of files) copyFileSync(join(from, name), join(directory, name));
  return join(directory, 'tsoci');
}
