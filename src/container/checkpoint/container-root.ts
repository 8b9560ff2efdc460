// Paths as a container sees them: no link leads out of its root.

import { closeSync, fstatSync, openSync, readlinkSync, type Stats } from 'node:fs';
import {
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
} from '../../linux/constants.ts';
import { TsociError } from '../../linux/errors.ts';
import { cString, syscall } from '../../linux/ffi.ts';
import { SYS } from '../../linux/syscalls.ts';

export class ContainerRoot implements Disposable {
  readonly #root: number;

  constructor(init: number) {
    const path = `/proc/${init}/root`;
    try {
      this.#root = openSync(path, O_PATH | O_DIRECTORY);
    } catch (error) {
      throw TsociError.from(`open ${path}`, error);
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#root);
  }

  /** What its mountinfo calls the place that a path leads to; the path itself if there is nothing. */
  real(path: string): string {
    return this.#look(path, (fd) => readlinkSync(`/proc/self/fd/${fd}`)) ?? path;
  }

  isDevice(path: string): boolean {
    const stat = this.stat(path);
    return stat !== undefined && (stat.isCharacterDevice() || stat.isBlockDevice());
  }

  stat(path: string): Stats | undefined {
    return this.#look(path, (fd) => fstatSync(fd));
  }

  #look<T>(path: string, look: (fd: number) => T): T | undefined {
    // struct open_how of openat2(2): flags, mode, resolve.
    const flags = [O_PATH | O_CLOEXEC, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS];
    const how = new BigUint64Array(flags.map(BigInt));
    const bytes = new Uint8Array(how.buffer);
    const fd = syscall(SYS.openat2, this.#root, cString(path), bytes, bytes.length);
    if (fd < 0) return undefined;
    try {
      return look(fd);
    } finally {
      closeSync(fd);
    }
  }
}
