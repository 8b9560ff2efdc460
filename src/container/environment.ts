// The environment of the container's process.

import { AT_FDCWD, O_CLOEXEC, O_RDONLY } from '../linux/constants.ts';
import { EACCES, EISDIR, ELOOP, ENOENT, ENOTDIR } from '../linux/errno.ts';
import { errnoOf } from '../linux/errors.ts';
import type { StubProcess } from '../stub/process.ts';
import { variable } from './executable.ts';

const CHUNK = 16384;

/**
 * process.env, with HOME from the container's passwd when it is not set: shells and tools count on it. `listenFds` are
 * the sockets of a service that is activated by them (sd_listen_fds(3)).
 */
export function environment(
  init: StubProcess,
  env: readonly string[],
  uid: number,
  listenFds: number,
): string[] {
  const result = [...env];
  if (!variable(env, 'HOME'))
    result.push(`HOME=${homeOf(readContainerFile(init, '/etc/passwd'), uid) ?? '/'}`);
  if (listenFds > 0) result.push(`LISTEN_FDS=${listenFds}`, 'LISTEN_PID=1');
  return result;
}

/** passwd(5): the sixth field of the first entry with the user's number. */
export function homeOf(passwd: string, uid: number): string | undefined {
  for (const line of passwd.split('\n')) {
    const fields = line.split(':');
    if (fields[2] === String(uid)) return fields[5] || undefined;
  }
  return undefined;
}

/** A text file of the container, which init is in; empty when there is none. */
function readContainerFile(init: StubProcess, path: string): string {
  const parts: Buffer[] = [];
  const opening = init.program();
  const fd = opening.open('openat', [AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0], `open ${path}`);
  try {
    init.run(opening);
    for (;;) {
      const buffer = Buffer.alloc(CHUNK);
      const reading = init.program();
      const length = reading.call('read', [fd, buffer, CHUNK], `read ${path}`, { ignored: [EISDIR] });
      const results = init.run(reading);
      if (results.at(length) <= 0) break;
      parts.push(Buffer.from(results.bytes(buffer).subarray(0, results.at(length))));
    }
  } catch (error) {
    if ([ENOENT, ENOTDIR, EACCES, ELOOP].includes(errnoOf(error) ?? 0)) return '';
    throw error;
  }
  const closing = init.program();
  closing.close(fd);
  init.run(closing);
  return Buffer.concat(parts).toString();
}
