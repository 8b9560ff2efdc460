// Runs tsoci as a program: unbuilt or, where the environment names one in TSOCI, that executable.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

export function tsoci(...args: string[]): Ended {
  return tsociWith({}, ...args);
}

export function tsociWith(environment: Readonly<Record<string, string>>, ...args: string[]): Ended {
  const built = process.env.TSOCI;
  const [command, first] = built ? [built, []] : [process.execPath, [main]];
  const { status, stdout, stderr } = spawnSync(command, [...first, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}
