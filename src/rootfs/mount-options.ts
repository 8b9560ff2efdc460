// Mount options of config.md#linux-mount-options and mount(8), decided into what the mount API takes.

import {
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_RELATIME,
  MOUNT_ATTR_STRICTATIME,
  MS_PRIVATE,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
} from '../linux/constants.ts';

/** Attributes of a mount to set and to clear (struct mount_attr of mount_setattr(2)). */
export interface AttributeChange {
  set: number;
  clear: number;
}

export interface Propagation {
  type: number;
  recursive: boolean;
}

export interface MountOptions {
  /** A bind mount, of the whole tree with `rbind`. */
  bind: 'no' | 'single' | 'recursive';
  remount: boolean;
  attributes: AttributeChange;
  /** Attributes for the mount and all below it: rro, rnosuid, … */
  recursiveAttributes: AttributeChange;
  propagation: Propagation[];
  /** Options of the superblock that every filesystem knows: sync, dirsync, lazytime, mand, ro. */
  superblock: string[];
  /** Options of the filesystem type: size=64k, mode=755, … */
  data: string[];
  /** The last of acl and noacl: for filesystems that can be told (runc's MS_POSIXACL). */
  acl: 'acl' | 'noacl' | undefined;
  tmpCopyUp: boolean;
  idmap: 'no' | 'single' | 'recursive';
}

/** [attributes set, attributes cleared]. Every access-time mode clears the others first. */
const attributeOptions: Readonly<Record<string, readonly [set: number, clear: number]>> = {
  ro: [MOUNT_ATTR_RDONLY, 0],
  rw: [0, MOUNT_ATTR_RDONLY],
  nosuid: [MOUNT_ATTR_NOSUID, 0],
  suid: [0, MOUNT_ATTR_NOSUID],
  nodev: [MOUNT_ATTR_NODEV, 0],
  dev: [0, MOUNT_ATTR_NODEV],
  noexec: [MOUNT_ATTR_NOEXEC, 0],
  exec: [0, MOUNT_ATTR_NOEXEC],
  nodiratime: [MOUNT_ATTR_NODIRATIME, 0],
  diratime: [0, MOUNT_ATTR_NODIRATIME],
  nosymfollow: [MOUNT_ATTR_NOSYMFOLLOW, 0],
  symfollow: [0, MOUNT_ATTR_NOSYMFOLLOW],
  noatime: [MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME],
  atime: [MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME],
  relatime: [MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME],
  norelatime: [MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME],
  strictatime: [MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME],
  nostrictatime: [MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME],
};

/** Options that mount(8) and the spec know and that change nothing in the kernel's mount API. */
const defaults = new Set(['defaults', 'loud', 'silent', 'nofail', 'auto', 'noauto', 'nouser', '_netdev']);

/** Who else than root may mount it: of use to mount(8) alone, but each sets attributes that a later option may clear. */
const ordinaryUserOptions: Readonly<Record<string, number>> = {
  user: MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
  users: MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
  owner: MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
  group: MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
};

/** What a person or program wrote for itself: comments of mount(8). */
const COMMENT = /^(x-|comment=)/;

/** Flags of the superblock, by what fsconfig(2) calls them; an empty name is the kernel's default. */
const superblockOptions: Readonly<Record<string, string>> = {
  sync: 'sync',
  async: 'async',
  dirsync: 'dirsync',
  lazytime: 'lazytime',
  nolazytime: 'nolazytime',
  mand: 'mand',
  nomand: 'nomand',
  iversion: '',
  noiversion: '',
};

const propagationOptions: Readonly<Record<string, number>> = {
  shared: MS_SHARED,
  slave: MS_SLAVE,
  private: MS_PRIVATE,
  unbindable: MS_UNBINDABLE,
};

/** Every option with a meaning of its own; others are passed to the filesystem. For `features`. */
export const knownMountOptions: readonly string[] = [
  ...Object.keys(attributeOptions),
  ...Object.keys(attributeOptions).map((name) => `r${name}`),
  ...Object.keys(superblockOptions),
  ...Object.keys(propagationOptions),
  ...Object.keys(propagationOptions).map((name) => `r${name}`),
  ...[
    'bind',
    'rbind',
    'remount',
    'defaults',
    'loud',
    'silent',
    'tmpcopyup',
    'idmap',
    'ridmap',
    'acl',
    'noacl',
  ],
].sort();

function apply(change: AttributeChange, [set, clear]: readonly [number, number]): void {
  // A later option overrides an earlier one: "ro,rw" is rw.
  change.set = (change.set & ~clear) | set;
  change.clear = (change.clear & ~set) | clear;
}

export function parseMountOptions(options: readonly string[]): MountOptions {
  const parsed: MountOptions = {
    bind: 'no',
    remount: false,
    attributes: { set: 0, clear: 0 },
    recursiveAttributes: { set: 0, clear: 0 },
    propagation: [],
    superblock: [],
    data: [],
    acl: undefined,
    tmpCopyUp: false,
    idmap: 'no',
  };
  for (const option of options) parseOption(option, parsed);
  return parsed;
}

function parseOption(option: string, parsed: MountOptions): void {
  const attribute = attributeOptions[option];
  if (attribute) return apply(parsed.attributes, attribute);
  if (defaults.has(option) || COMMENT.test(option) || option === '') return;
  const forUsers = ordinaryUserOptions[option];
  if (forUsers !== undefined) return apply(parsed.attributes, [forUsers, 0]);
  const superblock = superblockOptions[option];
  if (superblock !== undefined) {
    if (superblock !== '') parsed.superblock.push(superblock);
    return;
  }
  const propagation = propagationOptions[option];
  if (propagation !== undefined) {
    parsed.propagation.push({ type: propagation, recursive: false });
    return;
  }
  switch (option) {
    case 'bind':
      if (parsed.bind === 'no') parsed.bind = 'single';
      return;
    case 'rbind':
      parsed.bind = 'recursive';
      return;
    case 'remount':
      parsed.remount = true;
      return;
    case 'acl':
    case 'noacl':
      parsed.acl = option;
      return;
    case 'tmpcopyup':
      parsed.tmpCopyUp = true;
      return;
    case 'idmap':
      if (parsed.idmap === 'no') parsed.idmap = 'single';
      return;
    case 'ridmap':
      parsed.idmap = 'recursive';
      return;
  }
  if (option.startsWith('r')) {
    const recursive = attributeOptions[option.slice(1)];
    if (recursive) return apply(parsed.recursiveAttributes, recursive);
    const propagated = propagationOptions[option.slice(1)];
    if (propagated !== undefined) {
      parsed.propagation.push({ type: propagated, recursive: true });
      return;
    }
  }
  parsed.data.push(option);
}
