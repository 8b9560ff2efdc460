// Options about a process that more than one command has.

import { isAbsolute } from 'node:path';
import { type Option, UsageError } from './options.ts';

export const CONSOLE_SOCKET = {
  long: 'console-socket',
  kind: 'string',
  placeholder: 'SOCKET',
  help: 'a listening Unix socket that is sent the master side of the terminal',
} as const satisfies Option;

export const PID_FILE = {
  long: 'pid-file',
  kind: 'string',
  placeholder: 'FILE',
  help: 'write the process id to this file',
} as const satisfies Option;

export const PIDFD_SOCKET = {
  long: 'pidfd-socket',
  kind: 'string',
  placeholder: 'SOCKET',
  help: 'a listening Unix socket that is sent a pidfd of the process',
} as const satisfies Option;

/** `1000` or `1000:1000`. Names would have to be looked up in the container: engines do that. */
export function parseUser(text: string): { uid: number; gid?: number } {
  const [uid = '', gid, ...rest] = text.split(':');
  if (rest.length > 0) throw new UsageError(`option --user: "${text}" is not UID or UID:GID`);
  return { uid: numericId('user', uid), ...(gid !== undefined && { gid: numericId('user', gid) }) };
}

export function numericId(option: string, text: string): number {
  // 2^32 - 1 is (uid_t) -1, which setresuid(2) takes for "no change".
  const id = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(id < 0xffffffff)) throw new UsageError(`option --${option}: "${text}" is not a numeric id`);
  return id;
}

/** --env and --cwd. */
export function checkSurroundings({ env, cwd }: { env: readonly string[]; cwd: string | undefined }): void {
  for (const variable of env) {
    if (!/^[^=]+=/.test(variable)) throw new UsageError(`option --env: "${variable}" is not NAME=VALUE`);
  }
  if (cwd !== undefined && !isAbsolute(cwd))
    throw new UsageError(`option --cwd: "${cwd}" is no absolute path in the container`);
}
