// What is left on the host: processes, mounts, cgroups, network devices, keyrings, and files in --root.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../../scripts/repository.ts';

/** What is there now, in a file whose path is the answer. */
export function snapshot(file: string): string {
  writeFileSync(file, leaks('snapshot'));
  return file;
}

/**
 * What has `mark` in its name and was not there before, and what is still in a state directory. The kernel destroys
 * processes and keys a moment after their last use.
 */
export async function whatIsLeft(before: string, mark: string, states: string): Promise<string[]> {
  for (let tries = 100; tries > 0 && found(before, mark, states).length > 0; tries--) await sleep(100);
  return found(before, mark, states);
}

function found(before: string, mark: string, states: string): string[] {
  const keys = readFileSync('/proc/keys', 'utf8').split('\n');
  return [
    ...leaks('compare', before, mark).split('\n'),
    ...keys.filter((line) => line.includes(mark)).map((line) => `key ${line}`),
    // A name with "~" is none of a container: a runtime may keep what it computed for the next one.
    ...readdirSync(states)
      .filter((name) => !name.startsWith('~'))
      .map((name) => `file ${name} in --root`),
  ].filter((line) => line !== '');
}

function leaks(...args: string[]): string {
  const script = join(root, 'conformance', 'engines', 'leaks.sh');
  return spawnSync(script, args, { encoding: 'utf8', timeout: 60_000 }).stdout;
}
