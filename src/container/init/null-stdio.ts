// Standard streams that are the host's /dev/null become the container's: root of the container could change mode and owner
// of the host's node through them.

import { fstatSync } from 'node:fs';
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  O_CLOEXEC,
  O_NOFOLLOW,
  O_RDWR,
  S_IFCHR,
  STATX_TYPE,
} from '../../linux/constants.ts';
import { EACCES, ELOOP, ENOENT, ENOTDIR } from '../../linux/errno.ts';
import { fileTypeOf, STATX_SIZE, STX_RDEV_MAJOR, STX_RDEV_MINOR } from '../../linux/statx.ts';
import type { StubProcess } from '../../stub/stub-process.ts';

/** Documentation/admin-guide/devices.txt: memory devices, null. */
const MAJOR = 1;
const MINOR = 3;
const PATH = '/dev/null';

/**
 * To be called when the stub is in the root of the container. `stdio` are our descriptors of its standard streams. A
 * container that has no /dev/null, or something else there, keeps what it was given.
 */
export function reopenNull(stub: StubProcess, stdio: readonly number[]): void {
  const fds = stdio.flatMap((fd, i) => (isNull(fd) ? [i] : []));
  if (fds.length === 0 || !hasNull(stub)) return;
  const program = stub.program();
  const flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
  const opened = program.open('openat', [AT_FDCWD, PATH, flags, 0], `open ${PATH} of the container`);
  for (const fd of fds) program.duplicate(opened, fd, 0);
  program.close(opened);
  stub.later(program);
}

function isNull(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isCharacterDevice() && stat.rdev === (MAJOR << 8) + MINOR;
  } catch {
    return false;
  }
}

/** Looked at before it is opened: the container decides what is there, and to open it may have an effect. */
function hasNull(stub: StubProcess): boolean {
  const program = stub.program();
  const stat = Buffer.alloc(STATX_SIZE);
  const looked = program.call(
    'statx',
    [AT_FDCWD, PATH, AT_SYMLINK_NOFOLLOW, STATX_TYPE, stat],
    `look at ${PATH} of the container`,
    { ignored: [ENOENT, ENOTDIR, EACCES, ELOOP] },
  );
  const results = stub.run(program);
  if (results.at(looked) < 0) return false;
  const found = results.bytes(stat);
  if (fileTypeOf(found) !== S_IFCHR) return false;
  return found.readUInt32LE(STX_RDEV_MAJOR) === MAJOR && found.readUInt32LE(STX_RDEV_MINOR) === MINOR;
}
