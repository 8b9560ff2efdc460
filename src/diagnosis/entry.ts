// What is at a path: kind, owner, mode and mount.

import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG } from '../linux/constants.ts';

export interface Entry {
  /** S_IFMT and permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whether it is on a mount that nothing may be executed from. */
  readonly noexec: boolean;
  /** Where a symlink leads. */
  readonly link?: string;
}

const kinds: Readonly<Record<number, string>> = {
  [S_IFREG]: 'file',
  [S_IFDIR]: 'directory',
  [S_IFLNK]: 'symlink',
  [S_IFIFO]: 'FIFO',
  [S_IFCHR]: 'device',
  [S_IFBLK]: 'device',
};

export function kindOf({ mode }: Pick<Entry, 'mode'>): string {
  return kinds[mode & S_IFMT] ?? 'socket';
}

/** `mode 0640, owner 0:42` */
export function ownership({ mode, uid, gid }: Entry): string {
  return `mode ${(mode & 0o7777).toString(8).padStart(4, '0')}, owner ${uid}:${gid}`;
}
