// struct statx (linux/stat.h), as stubs get it from statx(2).

import { S_IFMT } from './constants.ts';

/** Bytes. */
export const STATX_SIZE = 256;

/** Offsets of its fields. */
export const STX_UID = 20;
export const STX_GID = 24;
export const STX_MODE = 28;
export const STX_INO = 32;
export const STX_SIZE = 40;
export const STX_ATIME = 64;
export const STX_MTIME = 112;
export const STX_RDEV_MAJOR = 128;
export const STX_RDEV_MINOR = 132;
export const STX_MNT_ID = 144;

/** S_IFDIR, S_IFREG, … */
export function fileTypeOf(statx: Buffer): number {
  return statx.readUInt16LE(STX_MODE) & S_IFMT;
}

/** Whether two struct statx, with STATX_MNT_ID, are of one mount. */
export function isSameMount(one: Buffer, other: Buffer): boolean {
  return one.readBigUInt64LE(STX_MNT_ID) === other.readBigUInt64LE(STX_MNT_ID);
}

/** The same, and of one file or directory of it. */
export function isSamePlace(one: Buffer, other: Buffer): boolean {
  return isSameMount(one, other) && one.readBigUInt64LE(STX_INO) === other.readBigUInt64LE(STX_INO);
}

/** dev_t as mknod(2) takes it (makedev(3), 32 bits). */
export function deviceNumber(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0;
}
