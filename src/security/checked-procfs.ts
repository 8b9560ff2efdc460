// A procfs that is known to be one. What is written through it reaches the kernel and not a file that somebody put
// in its place: CVE-2019-16884, CVE-2023-27561 and CVE-2025-52881 redirected such writes.

import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  FSCONFIG_CMD_CREATE,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  PROC_SUPER_MAGIC,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from '../linux/constants.ts';
import { EPERM } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import { type Program, Structure } from '../stub/program.ts';
import type { StubProcess } from '../stub/stub-process.ts';

/** linux/proc_fs.h */
const PROC_ROOT_INO = 1n;
/** struct statfs and struct stat: no larger on x86-64 and arm64. */
export const STAT_SIZE = 144;

/**
 * A descriptor in the stub of a procfs with the numbers of its pid namespace: one that is attached nowhere, so that
 * nobody can have put anything in its way. A user namespace that does not own the pid namespace may not mount one: then
 * it is what is at /proc, checked.
 */
export function openProcfs(stub: StubProcess): number {
  const program = stub.program();
  const procfs = mountProcfs(program);
  try {
    stub.run(program);
    return procfs;
  } catch (error) {
    if (errnoOf(error) !== EPERM) throw error;
    return openMountedProcfs(stub);
  }
}

function mountProcfs(program: Program): number {
  const doing = 'mount a private procfs';
  const filesystem = program.open('fsopen', ['proc', FSOPEN_CLOEXEC], doing);
  program.call('fsconfig', [filesystem, FSCONFIG_CMD_CREATE, 0, 0, 0], doing);
  const mount = program.open('fsmount', [filesystem, FSMOUNT_CLOEXEC, 0], doing);
  program.close(filesystem);
  return mount;
}

/** The root of the procfs at `path`, and nothing else that may be there. */
export function openMountedProcfs(stub: StubProcess, path = '/proc'): number {
  const doing = `open the procfs at ${path}`;
  const program = stub.program();
  const procfs = program.open('openat', [AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0], doing);
  const statfs = Buffer.alloc(STAT_SIZE);
  const stat = Buffer.alloc(STAT_SIZE);
  program.call('fstatfs', [procfs, statfs], doing);
  program.call('newfstatat', [procfs, '', stat, AT_EMPTY_PATH], doing);
  const results = stub.run(program);
  if (isProcfsRoot(results.bytes(statfs), results.bytes(stat))) return procfs;
  const closing = stub.program();
  closing.close(procfs);
  stub.run(closing);
  throw new TsociError(`${doing}: something else is mounted there`);
}

/** Whether a struct statfs and a struct stat are those of the root of a procfs: f_type comes first, st_ino second. */
export function isProcfsRoot(statfs: Buffer, stat: Buffer): boolean {
  return Number(statfs.readBigInt64LE(0)) === PROC_SUPER_MAGIC && stat.readBigUInt64LE(8) === PROC_ROOT_INO;
}

/**
 * Opens a file below a procfs: through no symbolic link (so not self, but the process's number) and through nothing
 * that is mounted over a part of it.
 */
export function openInProcfs(
  program: Program,
  procfs: number,
  path: string,
  flags: number,
  doing: string,
): number {
  const resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;
  // struct open_how: flags, mode, resolve.
  const how = new Structure([flags | O_CLOEXEC, 0, resolve]);
  return program.open('openat2', [procfs, path, how, how.words.length * 8], doing);
}
