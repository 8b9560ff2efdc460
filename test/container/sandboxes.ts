// The directories that tests of the executable work in: made, closed, and swept after tests that were killed.

import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeWorkDirectory, sweepWorkDirectories } from '../../scripts/work-directories.ts';
import { patience } from '../patience.ts';

export const tsociPath = process.env.TSOCI ?? join(import.meta.dirname, '..', '..', 'dist', 'tsoci');

/** Milliseconds that a command may take. */
export const TIMEOUT = patience(30_000);

/** How paths of sandboxes begin; the pid of the test follows. */
const SANDBOXES = '/tmp/tsoci-test-';

export function makeSandbox(): string {
  return makeWorkDirectory(SANDBOXES);
}

/** Removes what test processes left that were killed before they could clean up. */
export function sweepSandboxes(): void {
  sweepWorkDirectories(SANDBOXES, closeSandbox);
}

/** Deletes the containers of a sandbox, and then itself. */
export function closeSandbox(directory: string): void {
  const root = join(directory, 'state');
  // All by one command: hundreds may have been left where each takes seconds.
  const args = ['--root', root, 'delete', '--force', '--regex', '.'];
  if (existsSync(root)) spawnSync(tsociPath, args, { timeout: 4 * TIMEOUT, stdio: 'ignore' });
  rmSync(directory, { recursive: true, force: true });
}
