// Names of flags and constants, taken from the tables that the rest of tsoci works with.

import * as constants from '../linux/constants.ts';

type Table = readonly (readonly [name: string, value: bigint])[];

/** Constants whose names begin so, but those that are combinations or that are excluded. */
function table(prefix: string, except: readonly string[] = []): Table {
  return Object.entries(constants)
    .filter(([name]) => name.startsWith(prefix) && !except.includes(name))
    .map(([name, value]) => [name, BigInt(value as number | bigint)] as const);
}

export const openFlags = table('O_', ['O_RDONLY', 'O_WRONLY', 'O_RDWR', 'O_TMPFILE']);
export const atFlags = table('AT_', ['AT_FDCWD', 'AT_REMOVEDIR', 'AT_EACCESS']);
export const unlinkFlags = table('AT_REMOVEDIR');
export const accessFlags = table('AT_EACCESS');
export const resolveFlags = table('RESOLVE_');
export const cloneFlags = table('CLONE_');
export const mountFlags = table('MS_');
export const advice = table('MADV_');
export const umountFlags: Table = [...table('MNT_'), ...table('UMOUNT_')];
export const moveMountFlags = table('MOVE_MOUNT_');
export const openTreeFlags: Table = [...table('OPEN_TREE_'), ...atFlags];
export const fsopenFlags = table('FSOPEN_');
export const fsmountFlags = table('FSMOUNT_');
export const fspickFlags = table('FSPICK_');
export const closeRangeFlags = table('CLOSE_RANGE_');
export const seccompFlags = table('SECCOMP_FILTER_FLAG_');
export const messageFlags = table('MSG_');
export const interfaceFlags = table('IFF_');
export const fcntlCommands: Table = ['F_GETFD', 'F_SETFD', 'F_GETFL', 'F_SETFL'].flatMap((name) =>
  table(name),
);
export const protections = table('PROT_');
export const mapFlags = table('MAP_');
/** Bits of struct mount_attr; the three that say how access times are kept are one field. */
export const mountAttributes = table('MOUNT_ATTR_', ['MOUNT_ATTR__ATIME', 'MOUNT_ATTR_RELATIME']);

export const fsconfigCommands = table('FSCONFIG_');
export const prctlOptions = table('PR_', ['PR_CAP_AMBIENT_RAISE', 'PR_CAP_AMBIENT_CLEAR_ALL']);
export const ambientOperations = table('PR_CAP_AMBIENT_');
export const ioPriorityTargets = table('IOPRIO_WHO_');
export const keyctlOperations = table('KEYCTL_');
export const seccompOperations = table('SECCOMP_SET_MODE_');
export const families = table('AF_');
export const socketTypes = table('SOCK_', ['SOCK_CLOEXEC']);
export const requests: Table = [...table('TIOC'), ...table('SIOC'), ...table('NS_GET_')];
export const fileTypes = table('S_IF', ['S_IFMT']);
export const filesystemMagics = table('').filter(([name]) => name.endsWith('_MAGIC'));

/** `A|B|0x40`: names of bits, and what has no name as a number. */
export function flags(value: bigint, names: Table): string {
  const found: string[] = [];
  let rest = value;
  for (const [name, bits] of names) {
    if (bits === 0n || (rest & bits) !== bits) continue;
    found.push(name);
    rest &= ~bits;
  }
  if (rest !== 0n) found.push(`0x${rest.toString(16)}`);
  return found.join('|') || '0';
}

/** The one name of a value, or the value. */
export function constant(value: bigint, names: Table): string {
  return names.find(([, known]) => known === value)?.[0] ?? `0x${value.toString(16)}`;
}

/** An access mode and flags of open(2). O_PATH needs none. */
export function openMode(value: bigint): string {
  const access = ['O_RDONLY', 'O_WRONLY', 'O_RDWR'][Number(value & 3n)] ?? '3';
  const others = flags(value & ~3n, openFlags);
  if (others.startsWith('O_PATH') || others.includes('|O_PATH')) return others;
  return others === '0' ? access : `${access}|${others}`;
}

/** A file's type and permission bits. */
export function fileMode(value: bigint): string {
  const type = value & BigInt(constants.S_IFMT);
  const permissions = `0${(value & 0o7777n).toString(8)}`;
  return type === 0n ? permissions : `${constant(type, fileTypes)}|${permissions}`;
}
