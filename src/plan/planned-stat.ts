// What a plan tells of a file: that of the host, or what a planned call has made.

import { lstatSync } from 'node:fs';
import {
  STX_ATIME,
  STX_GID,
  STX_INO,
  STX_MNT_ID,
  STX_MODE,
  STX_MTIME,
  STX_RDEV_MAJOR,
  STX_RDEV_MINOR,
  STX_UID,
} from '../linux/statx.ts';
import type { Place } from './planned-files.ts';

/** Fills a struct statx. */
export function writeStatx(place: Place, bytes: Buffer): void {
  const { mode = 0, major = 0, minor = 0, inode = 0 } = place.node() ?? {};
  bytes.writeUInt16LE(mode, STX_MODE);
  bytes.writeBigUInt64LE(BigInt(inode), STX_INO);
  bytes.writeBigUInt64LE(BigInt(place.mount.id), STX_MNT_ID);
  bytes.writeUInt32LE(major, STX_RDEV_MAJOR);
  bytes.writeUInt32LE(minor, STX_RDEV_MINOR);
  const host = place.host();
  if (host === undefined) return;
  const stat = lstatSync(host, { bigint: true, throwIfNoEntry: false });
  if (!stat) return;
  const { uid, gid, atimeNs, mtimeNs } = stat;
  bytes.writeUInt32LE(Number(uid), STX_UID);
  bytes.writeUInt32LE(Number(gid), STX_GID);
  writeTime(bytes, STX_ATIME, atimeNs);
  writeTime(bytes, STX_MTIME, mtimeNs);
}

/** Fills the beginning of a struct stat: st_dev, st_ino. */
export function writeStat(place: Place, bytes: Buffer): void {
  bytes.writeBigUInt64LE(BigInt(place.mount.filesystem.device), 0);
  bytes.writeBigUInt64LE(BigInt(place.node()?.inode ?? 0), 8);
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
