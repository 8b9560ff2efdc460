// Directories to work in, named after the process that made them: what one that was killed has left can be told.

import { existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** `prefix` is an absolute path and how the names begin. */
export function makeWorkDirectory(prefix: string): string {
  return mkdtempSync(`${prefix}${process.pid}-`);
}

/** Calls `remove` for those of processes that are no more. */
export function sweepWorkDirectories(prefix: string, remove: (directory: string) => void): void {
  const names = new RegExp(`^${basename(prefix)}(\\d+)-`);
  for (const name of readdirSync(dirname(prefix))) {
    const [, pid] = name.match(names) ?? [];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) remove(join(dirname(prefix), name));
  }
}
