// The stub as a file to execute: its image in a sealed memfd.

import { openSync } from 'node:fs';
import { filesystemOf } from '../diagnosis/rooted-files.ts';
import {
  F_ADD_SEALS,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  MFD_EXEC,
  O_RDWR,
  O_TMPFILE,
} from '../linux/constants.ts';
import { check, closeDescriptor } from '../linux/descriptor.ts';
import { EACCES, EINVAL, EIO } from '../linux/errno.ts';
import { describeErrno, errnoOf, TsociError } from '../linux/errors.ts';
import { cString, syscall } from '../linux/ffi.ts';
import { SYS } from '../linux/syscalls.ts';
import { stubImages } from './images.ts';
import { STUB_NAME } from './stub-name.ts';

export interface ExecutableImage extends Disposable {
  /** A read-only descriptor: what a process executes must have no writer (ETXTBSY). */
  fd: number;
}

/** What all commands of this process share: nobody can change it. */
let sealedImage: ExecutableImage | undefined;

/** The stub's image, to be disposed of. */
export function executableImage(): ExecutableImage {
  if (sealedImage) return sealedImage;
  const { fd, sealed } = makeImage();
  if (!sealed) return { fd, [Symbol.dispose]: () => closeDescriptor(fd) };
  sealedImage = { fd, [Symbol.dispose]: () => {} };
  return sealedImage;
}

function makeImage(): { fd: number; sealed: boolean } {
  const image = Buffer.from(stubImages[process.arch === 'arm64' ? 'arm64' : 'x64'], 'base64');
  const name = cString(STUB_NAME);
  const flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  // MFD_EXEC is needed where vm.memfd_noexec=1, unknown before Linux 6.3, and refused where vm.memfd_noexec=2.
  let fd = syscall(SYS.memfd_create, name, flags | MFD_EXEC);
  if (fd === -EINVAL) fd = syscall(SYS.memfd_create, name, flags);
  const sealed = fd >= 0;
  if (fd === -EACCES) fd = unnamedFile();
  if (fd < 0) throw TsociError.fromErrno('make a memfd for the stub', -fd);
  try {
    check('write the stub', 'write', fd, image, image.length);
    const seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
    if (sealed) check('seal the stub', 'fcntl', fd, F_ADD_SEALS, seals);
    return { fd: openSync(`/proc/self/fd/${fd}`, 'r'), sealed };
  } finally {
    closeDescriptor(fd);
  }
}

/** A file that can be executed where vm.memfd_noexec=2 forbids a memfd that can. */
function unnamedFile(): number {
  const refusals: string[] = [];
  for (const directory of ['/run', '/dev/shm', '/tmp', '/var/tmp']) {
    try {
      const fd = openSync(directory, O_TMPFILE | O_RDWR, 0o700);
      if (!filesystemOf(fd).noexec) return fd;
      closeDescriptor(fd);
      refusals.push(`${directory} is mounted noexec`);
    } catch (error) {
      refusals.push(`${directory}: ${describeErrno(errnoOf(error) ?? EIO)}`);
    }
  }
  const why = 'vm.memfd_noexec is 2, so it cannot be a memfd';
  throw new TsociError(`make a file for the stub: ${why}, and ${refusals.join(', ')}; allow one of them`, {
    errno: EACCES,
  });
}
