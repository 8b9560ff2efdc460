// The directories that tests of the executable work in: made, closed, and swept after tests that were killed.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

export const tsociPath = process.env.TSOCI ?? join(import.meta.dirname, '..', '..', 'dist', 'tsoci');

/** Milliseconds that a command may take. */
export const TIMEOUT = 30_000;

/** How paths of sandboxes begin; the pid of the test follows. */
const SANDBOXES = '/tmp/tsoci-test-';

export function makeSandbox(): string {
  return mkdtempSync(`${SANDBOXES}${process.pid}-`);
}

/** Removes what test processes left that were killed before they could clean up. */
export function sweepSandboxes(): void {
  const [directory, prefix] = [dirname(SANDBOXES), basename(SANDBOXES)];
  for (const name of readdirSync(directory)) {
    const [, pid] = name.match(`^${prefix}(\\d+)-`) ?? [];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) closeSandbox(join(directory, name));
  }
}

/** Deletes the containers of a sandbox, and then itself. */
export function closeSandbox(directory: string): void {
  const root = join(directory, 'state');
  // All by one command: hundreds may have been left where each takes seconds.
  const args = ['--root', root, 'delete', '--force', '--regex', '.'];
  if (existsSync(root)) spawnSync(tsociPath, args, { timeout: 4 * TIMEOUT, stdio: 'ignore' });
  rmSync(directory, { recursive: true, force: true });
}
