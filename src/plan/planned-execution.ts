// Files of a planned process, for the question whether it could execute something.

import { closeSync, lstatSync, openSync, readSync } from 'node:fs';
import type { Entry } from '../diagnosis/entry.ts';
import type { Files } from '../diagnosis/files.ts';
import { tryFilesystemOf } from '../diagnosis/rooted-files.ts';
import { MOUNT_ATTR_NOEXEC, O_RDONLY, PROC_SUPER_MAGIC, S_IFDIR, S_IFMT } from '../linux/constants.ts';
import { type Place, resolve } from './planned-files.ts';

export class PlannedFiles implements Files {
  readonly #root: Place;

  constructor(root: Place) {
    this.#root = root;
  }

  at(path: string): Entry | 'unknown' | undefined {
    const place = this.#find(path);
    const node = place?.node();
    if (!place || !node) return undefined;
    if (place.magic() === PROC_SUPER_MAGIC) return 'unknown';
    const host = place.host();
    if (host === undefined) {
      // Of a file that a planned call has made it is not known what would be in it.
      if ((node.mode & S_IFMT) !== S_IFDIR && node.link === undefined) return 'unknown';
      return { mode: node.mode, uid: 0, gid: 0, noexec: false, ...(node.link && { link: node.link }) };
    }
    const { mode, uid, gid } = lstatSync(host);
    const noexec = place.mount.has(MOUNT_ATTR_NOEXEC) ?? tryFilesystemOf(host)?.noexec ?? false;
    return { mode, uid, gid, noexec, ...(node.link !== undefined && { link: node.link }) };
  }

  read(path: string, position: number, length: number): Buffer {
    const host = this.#find(path)?.host();
    if (host === undefined || !lstatSync(host).isFile()) return Buffer.alloc(0);
    const fd = openSync(host, O_RDONLY);
    try {
      const buffer = Buffer.alloc(length);
      return buffer.subarray(0, readSync(fd, buffer, 0, length, position));
    } finally {
      closeSync(fd);
    }
  }

  isEmpty(path: string): boolean {
    return this.#find(path)?.list().length === 0;
  }

  #find(path: string): Place | undefined {
    const place = resolve(this.#root, path, { noFollow: true, noSymlinks: true });
    return typeof place === 'number' ? undefined : place;
  }
}
