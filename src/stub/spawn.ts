// Starts the stub: its image in a sealed memfd, executed by posix_spawn, so that our heap is not copied.

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
import { check, closeDescriptor, duplicateAbove, moveAbove } from '../linux/descriptor.ts';
import { EACCES, EINVAL, EIO, ENOENT } from '../linux/errno.ts';
import { describeErrno, errnoOf, TsociError } from '../linux/errors.ts';
import { addressOf, cString, libc, syscall } from '../linux/ffi.ts';
import { SYS } from '../linux/syscalls.ts';
import { stubImages } from './images.ts';

/** spawn.h, and sizes that no C library of Linux exceeds (glibc: 80 and 336 bytes, sigset_t 128). */
const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;
const FILE_ACTIONS_SIZE = 512;
const ATTRIBUTES_SIZE = 1024;
const SIGSET_SIZE = 128;

import { STUB_NAME } from './stub-name.ts';

/**
 * Executes the stub with `descriptors[i]` of ours as its descriptor i, and nothing else of ours that is
 * close-on-exec. Signals are at their defaults: Node ignores SIGPIPE, a container must not inherit that.
 */
export function spawnStub(descriptors: readonly number[]): number {
  // A source below the last target could be overwritten before its own turn: use a copy above it.
  const above = descriptors.length;
  const path = moveAbove(executableImage(), above);
  const sources = descriptors.map((fd, target) =>
    fd === target || fd >= above ? fd : duplicateAbove(fd, above),
  );
  const actions = new Uint8Array(FILE_ACTIONS_SIZE);
  const attributes = new Uint8Array(ATTRIBUTES_SIZE);
  libc('posix_spawn_file_actions_init', actions);
  libc('posix_spawnattr_init', attributes);
  try {
    // dup2 onto itself clears close-on-exec.
    sources.forEach((fd, target) => {
      libc('posix_spawn_file_actions_adddup2', actions, fd, target);
    });
    libc('posix_spawnattr_setflags', attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    libc('posix_spawnattr_setsigdefault', attributes, new Uint8Array(SIGSET_SIZE).fill(0xff));
    libc('posix_spawnattr_setsigmask', attributes, new Uint8Array(SIGSET_SIZE));
    const pid = new Int32Array(1);
    const name = cString(STUB_NAME);
    const argv = new BigUint64Array([addressOf(name), 0n]);
    const environment = new BigUint64Array(1);
    const errno = libc(
      'posix_spawn',
      new Uint8Array(pid.buffer),
      cString(`/proc/self/fd/${path}`),
      actions,
      attributes,
      new Uint8Array(argv.buffer),
      new Uint8Array(environment.buffer),
      name,
    );
    if (errno !== 0)
      throw TsociError.fromErrno(
        'execute the stub',
        errno,
        errno === ENOENT ? 'is /proc mounted?' : undefined,
      );
    return pid[0] ?? -1;
  } finally {
    libc('posix_spawn_file_actions_destroy', actions);
    libc('posix_spawnattr_destroy', attributes);
    closeDescriptor(path);
    sources.forEach((fd, i) => {
      if (fd !== descriptors[i]) closeDescriptor(fd);
    });
  }
}

/** A read-only descriptor of the stub's image. What a process executes must have no writer (ETXTBSY). */
function executableImage(): number {
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
    return openSync(`/proc/self/fd/${fd}`, 'r');
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
