// Files as they are below a root: that of a process, with what is mounted there for it, or a directory.
//
// An image decides what is in it. Nothing is followed but what the caller names part by part, so that no symlink leads out
// of the root; and nothing is opened for reading but regular files, so that no FIFO blocks and no device acts.

import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import {
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  PROC_SUPER_MAGIC,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  ST_NOEXEC,
  ST_RDONLY,
} from '../linux/constants.ts';
import { check } from '../linux/descriptor.ts';
import { ENAMETOOLONG, ENOENT, ENOTDIR } from '../linux/errno.ts';
import { cString, syscall } from '../linux/ffi.ts';
import { SYS } from '../linux/syscalls.ts';
import type { Entry } from './entry.ts';
import type { Files } from './files.ts';

/** linux/limits.h */
const PATH_MAX = 4096;
/** struct statfs of x86-64 and arm64: its size, and where f_type and f_flags are. */
const STATFS = { size: 120, type: 0, flags: 80 };

export class RootedFiles implements Files {
  readonly #root: number;

  /** `root` is followed to its end: /proc/PID/root, or a directory of the host. */
  constructor(root: string) {
    this.#root = openSync(root, O_PATH | O_DIRECTORY);
  }

  [Symbol.dispose](): void {
    closeSync(this.#root);
  }

  at(path: string): Entry | 'unknown' | undefined {
    const fd = this.#open(path);
    if (fd < 0) return [ENOENT, ENOTDIR, ENAMETOOLONG].includes(-fd) ? undefined : 'unknown';
    try {
      const { mode, uid, gid } = fstatSync(fd);
      const { type, noexec } = filesystemOf(fd);
      if (type === PROC_SUPER_MAGIC) return 'unknown';
      const entry = { mode, uid, gid, noexec };
      return (mode & S_IFMT) === S_IFLNK ? { ...entry, link: readLink(fd, path) } : entry;
    } finally {
      closeSync(fd);
    }
  }

  read(path: string, position: number, length: number): Buffer {
    const empty = Buffer.alloc(0);
    const fd = this.#open(path);
    if (fd < 0) return empty;
    try {
      if ((fstatSync(fd).mode & S_IFMT) !== S_IFREG) return empty;
      // Of a descriptor with O_PATH nothing can be read; it is opened again, whatever is at the path by now.
      const file = openSync(`/proc/self/fd/${fd}`, O_RDONLY | O_NONBLOCK);
      try {
        const buffer = Buffer.alloc(length);
        return buffer.subarray(0, readSync(file, buffer, 0, length, position));
      } finally {
        closeSync(file);
      }
    } finally {
      closeSync(fd);
    }
  }

  isEmpty(path: string): boolean {
    const fd = this.#open(path);
    if (fd < 0) return false;
    try {
      return readdirSync(`/proc/self/fd/${fd}`).length === 0;
    } catch {
      return false;
    } finally {
      closeSync(fd);
    }
  }

  /** A descriptor with O_PATH, or -errno. */
  #open(path: string): number {
    // struct open_how: flags, mode, resolve.
    const how = new BigUint64Array([
      BigInt(O_PATH | O_NOFOLLOW | O_CLOEXEC),
      0n,
      BigInt(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS),
    ]);
    return syscall(SYS.openat2, this.#root, cString(path), new Uint8Array(how.buffer), how.byteLength);
  }
}

/** fstatfs(2) of a descriptor, which may have O_PATH: its type, and whether its mount has noexec and ro. */
export function filesystemOf(fd: number): { type: number; noexec: boolean; readonly: boolean } {
  const statfs = Buffer.alloc(STATFS.size);
  check('look at a filesystem', 'fstatfs', fd, statfs);
  const flags = statfs.readUInt32LE(STATFS.flags);
  return {
    type: Number(statfs.readBigInt64LE(STATFS.type)),
    noexec: (flags & ST_NOEXEC) !== 0,
    readonly: (flags & ST_RDONLY) !== 0,
  };
}

/** The same by a path, which is not followed to its end; undefined where nothing is there. */
export function tryFilesystemOf(path: string): ReturnType<typeof filesystemOf> | undefined {
  let fd: number;
  try {
    fd = openSync(path, O_PATH | O_NOFOLLOW);
  } catch {
    return undefined;
  }
  try {
    return filesystemOf(fd);
  } finally {
    closeSync(fd);
  }
}

function readLink(fd: number, path: string): string {
  const target = Buffer.alloc(PATH_MAX);
  const length = check(`read the link ${path}`, 'readlinkat', fd, cString(''), target, target.length);
  return target.subarray(0, length).toString();
}
