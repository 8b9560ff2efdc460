// Runs a tool of the host and returns what it printed; a failure carries what it said.

import { spawnSync } from 'node:child_process';

/** mke2fs lives in a directory that is not on everyone's PATH. */
const env = { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C' };

export function run(command: string, args: string[], options: { cwd?: string; input?: string } = {}): string {
  const result = spawnSync(command, args, { ...options, env, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (result.error) throw new Error(`${command}: ${result.error.message}`);
  if (result.status !== 0) throw new Error(`${[command, ...args].join(' ')}: ${result.stderr.trim()}`);
  return result.stdout;
}
