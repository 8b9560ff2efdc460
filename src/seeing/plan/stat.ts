// What a plan tells of a file: that of the host, or what a planned call has made.

import { lstatSync } from 'node:fs';
import type { Place } from './files.ts';

/** Bytes of struct statx up to the last that is filled. */
export const STATX_SIZE = 136;

/** Fills a struct statx (linux/stat.h). */
export function writeStatx(place: Place, bytes: Buffer): void {
  const { mode = 0, major = 0, minor = 0 } = place.node() ?? {};
  bytes.writeUInt16LE(mode, 28);
  bytes.writeUInt32LE(major, 128);
  bytes.writeUInt32LE(minor, 132);
  const host = place.host();
  if (host === undefined) return;
  const { uid, gid, atimeNs, mtimeNs } = lstatSync(host, { bigint: true });
  bytes.writeUInt32LE(Number(uid), 20);
  bytes.writeUInt32LE(Number(gid), 24);
  writeTime(bytes, 64, atimeNs);
  writeTime(bytes, 112, mtimeNs);
}

const SECOND = 1_000_000_000n;

/** struct statx_timestamp. */
function writeTime(bytes: Buffer, at: number, time: bigint): void {
  bytes.writeBigInt64LE(time / SECOND, at);
  bytes.writeUInt32LE(Number(time % SECOND), at + 8);
}

/** The names as getdents64(2) writes them: struct linux_dirent64, its length at 16 and its name at 19. */
export function directoryEntries(names: readonly string[]): Buffer {
  const entries = ['.', '..', ...names].map((name) => {
    const text = Buffer.from(name);
    const entry = Buffer.alloc((19 + text.length + 1 + 7) & ~7);
    entry.writeUInt16LE(entry.length, 16);
    text.copy(entry, 19);
    return entry;
  });
  return Buffer.concat(entries);
}
