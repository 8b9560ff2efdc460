// Directories for the time of one process: gone when it ends, and swept by the next one if it was killed.

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const prefix = 'work-';
const open = new Set<string>();

function removeAll(): void {
  for (const directory of open) rmSync(directory, { recursive: true, force: true });
  open.clear();
}

export function makeWorkspace(cache: string): string {
  mkdirSync(cache, { recursive: true });
  for (const name of readdirSync(cache)) {
    const pid = name.match(/^work-(\d+)-/)?.[1];
    if (pid && !existsSync(`/proc/${pid}`)) removeWorkspace(join(cache, name));
  }
  if (open.size === 0) {
    process.once('exit', removeAll);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.once(signal, () => process.exit(1));
  }
  const directory = mkdtempSync(join(cache, `${prefix}${process.pid}-`));
  open.add(directory);
  return directory;
}

export function removeWorkspace(directory: string): void {
  open.delete(directory);
  rmSync(directory, { recursive: true, force: true });
}
