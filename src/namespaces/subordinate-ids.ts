// Ids that a user may map beside his own (subuid(5), newuidmap(1)).

import { readFileSync } from 'node:fs';
import type { Caller } from '../launcher/caller.ts';
import { findExecutable } from '../linux/files.ts';

export interface IdRange {
  first: number;
  count: number;
}

/** What /etc/subuid or /etc/subgid gives: NAME-OR-UID:FIRST:COUNT. */
export function subordinateRanges(file: string, uid: number): IdRange[] {
  const names = [String(uid), ...lines('/etc/passwd').flatMap((line) => nameOf(line, uid))];
  return lines(file).flatMap((line) => {
    const [name = '', first, count] = line.split(':');
    return names.includes(name) ? [{ first: Number(first), count: Number(count) }] : [];
  });
}

/** Whether a program such as newuidmap(1) is where the caller's PATH looks. */
export function isInPath(name: string, { env }: Pick<Caller, 'env'>): boolean {
  const directories = (env.PATH || '/usr/local/bin:/usr/bin:/bin').split(':');
  return findExecutable(name, directories) !== undefined;
}

function nameOf(passwdLine: string, uid: number): string[] {
  const [name = '', , id] = passwdLine.split(':');
  return id === String(uid) ? [name] : [];
}

function lines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}
