// The environment of the container's process.

import { lastOfEach, variable } from '../../config/variables.ts';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  O_CLOEXEC,
  O_NOCTTY,
  O_NONBLOCK,
  O_RDONLY,
  S_IFREG,
  STATX_TYPE,
} from '../../linux/constants.ts';
import {
  EACCES,
  EAGAIN,
  EINVAL,
  EIO,
  ELOOP,
  ENODEV,
  ENOENT,
  ENOTDIR,
  ENXIO,
  EPERM,
} from '../../linux/errno.ts';
import { errnoOf } from '../../linux/errors.ts';
import { fileTypeOf, STATX_SIZE } from '../../linux/statx.ts';
import type { StubProcess } from '../../stub/stub-process.ts';

const CHUNK = 16384;
/** Bytes: a passwd with 100,000 users has about six million. */
const MOST = 16 * 1024 * 1024;
/** No file, or one that is none: a socket (ENXIO), a device without a driver or that the cgroup denies. */
const unreadable = [ENOENT, ENOTDIR, EACCES, ELOOP, ENXIO, ENODEV, EPERM];

/**
 * process.env, with HOME from the container's passwd when it is not set or empty: shells and tools count on it; and
 * with `more`, which come last.
 */
export function environment(
  init: StubProcess,
  env: readonly string[],
  uid: number,
  more: readonly string[] = [],
): string[] {
  const home = variable(env, 'HOME') || homeOf(readContainerFile(init, '/etc/passwd'), uid) || '/';
  return lastOfEach([...env, `HOME=${home}`, ...more]);
}

/** passwd(5): the sixth field of the first entry with the user's number. */
function homeOf(passwd: string, uid: number): string | undefined {
  for (const line of passwd.split('\n')) {
    const fields = line.split(':');
    if (fields[2] === String(uid)) return fields[5];
  }
  return undefined;
}

/**
 * The text of a file of the container, whose root the stub is in; empty when there is none. The image decides what is at the
 * path. So only a regular file is read, since a FIFO or a device may have no end, and at most MOST bytes of it.
 */
function readContainerFile(init: StubProcess, path: string): string {
  const opening = init.program();
  const stat = Buffer.alloc(STATX_SIZE);
  const flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  const fd = opening.open('openat', [AT_FDCWD, path, flags, 0], `open ${path}`);
  opening.call('statx', [fd, '', AT_EMPTY_PATH, STATX_TYPE, stat], `inspect ${path}`);
  let regular: boolean;
  try {
    regular = fileTypeOf(init.run(opening).bytes(stat)) === S_IFREG;
  } catch (error) {
    if (unreadable.includes(errnoOf(error) ?? 0)) return '';
    throw error;
  }
  const text = regular ? readAll(init, fd, path) : '';
  const closing = init.program();
  closing.close(fd);
  init.later(closing);
  return text;
}

function readAll(init: StubProcess, fd: number, path: string): string {
  const parts: Buffer[] = [];
  for (let size = 0; size < MOST; ) {
    const buffer = Buffer.alloc(CHUNK);
    const program = init.program();
    const read = program.call('read', [fd, buffer, CHUNK], `read ${path}`, {
      ignored: [EAGAIN, EINVAL, EIO],
    });
    const results = init.run(program);
    const length = results.at(read);
    if (length <= 0) break;
    parts.push(Buffer.from(results.bytes(buffer).subarray(0, length)));
    size += length;
  }
  return Buffer.concat(parts).toString();
}
