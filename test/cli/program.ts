// Runs tsoci unbuilt, as a program.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

const root = join(import.meta.dirname, '..', '..');

/** What npm run build makes. */
export const executable = join(root, 'dist', 'tsoci');

export function tsoci(...args: string[]): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'src', 'main.ts'), ...args], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}
