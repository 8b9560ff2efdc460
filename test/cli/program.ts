// Runs tsoci unbuilt, as a program.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { unbuilt } from '../../scripts/unbuilt.ts';

export interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

const root = join(import.meta.dirname, '..', '..');

/** What npm run build makes. */
export const executable = join(root, 'dist', 'tsoci');

export function tsoci(...args: string[]): Ended {
  const { status, stdout, stderr } = spawnSync(unbuilt(), args, {
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}
