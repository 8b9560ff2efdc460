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
import type { Mount } from './generated/types.ts';

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
  /** Changes the mount that is there. */
  remount: boolean;
  /** Whether a flag of one mount is named, be it to clear it: a bind mount then has those alone, and none of its source. */
  named: boolean;
  attributes: AttributeChange;
  /** Attributes for the mount and all below it: rro, rnosuid, … */
  recursiveAttributes: AttributeChange;
  propagation: Propagation[];
  /** Options of the superblock that every filesystem knows: sync, dirsync, lazytime, mand, and what takes them back. */
  superblock: string[];
  /** Options of the filesystem type: size=64k, mode=755, … */
  data: string[];
  /** The last of acl and noacl: for filesystems that can be told (runc's MS_POSIXACL). */
  acl: 'acl' | 'noacl' | undefined;
  tmpCopyUp: boolean;
  idmap: 'no' | 'single' | 'recursive';
}

type Change = readonly [set: number, clear: number];

/** Of access times, since Linux 2.6.30. */
const kernelsDefault: Change = [MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME];

/**
 * Attributes of a mount: the option that sets one for the mount itself, and the one that sets it for all below, too. Every
 * access-time mode clears the others first.
 */
const attributeOptions: readonly (readonly [name: string, recursive: string, change: Change])[] = [
  ['ro', 'rro', [MOUNT_ATTR_RDONLY, 0]],
  ['rw', 'rrw', [0, MOUNT_ATTR_RDONLY]],
  ['nosuid', 'rnosuid', [MOUNT_ATTR_NOSUID, 0]],
  ['suid', 'rsuid', [0, MOUNT_ATTR_NOSUID]],
  ['nodev', 'rnodev', [MOUNT_ATTR_NODEV, 0]],
  ['dev', 'rdev', [0, MOUNT_ATTR_NODEV]],
  ['noexec', 'rnoexec', [MOUNT_ATTR_NOEXEC, 0]],
  ['exec', 'rexec', [0, MOUNT_ATTR_NOEXEC]],
  ['nodiratime', 'rnodiratime', [MOUNT_ATTR_NODIRATIME, 0]],
  ['diratime', 'rdiratime', [0, MOUNT_ATTR_NODIRATIME]],
  ['nosymfollow', 'rnosymfollow', [MOUNT_ATTR_NOSYMFOLLOW, 0]],
  ['symfollow', 'rsymfollow', [0, MOUNT_ATTR_NOSYMFOLLOW]],
  ['noatime', 'rnoatime', [MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME]],
  ['atime', 'ratime', kernelsDefault],
  ['relatime', 'rrelatime', [MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME]],
  ['strictatime', 'rstrictatime', [MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME]],
  ['nostrictatime', 'rnostrictatime', kernelsDefault],
];

/** Flags of the superblock, by what fsconfig(2) calls them, and what takes them back. */
const superblockOptions = ['sync', 'async', 'dirsync', 'lazytime', 'nolazytime', 'mand', 'nomand'];

/** Of those and of acl, what a mount cannot have whose superblock is there already. */
export const needSuperblock: ReadonlySet<string> = new Set([
  ...['sync', 'dirsync', 'lazytime', 'mand'],
  ...['acl', 'noacl'],
]);

/** How mounts propagate (mount_namespaces(7)): options of a mount, and values of linux.rootfsPropagation. */
export const propagations: ReadonlyMap<string, { type: number; recursive: boolean }> = new Map([
  ['shared', { type: MS_SHARED, recursive: false }],
  ['rshared', { type: MS_SHARED, recursive: true }],
  ['slave', { type: MS_SLAVE, recursive: false }],
  ['rslave', { type: MS_SLAVE, recursive: true }],
  ['private', { type: MS_PRIVATE, recursive: false }],
  ['rprivate', { type: MS_PRIVATE, recursive: true }],
  ['unbindable', { type: MS_UNBINDABLE, recursive: false }],
  ['runbindable', { type: MS_UNBINDABLE, recursive: true }],
]);

/** What an option does to what the options before it have come to. */
type Meaning = (options: MountOptions) => void;
type Entry = readonly [name: string, meaning: Meaning];

const meanings: ReadonlyMap<string, Meaning> = new Map([
  ...attributeOptions.flatMap(([name, recursive, change]): Entry[] => [
    [name, flag(({ attributes }) => apply(attributes, change))],
    [recursive, ({ recursiveAttributes }) => apply(recursiveAttributes, change)],
  ]),
  ['norelatime', flag(({ attributes }) => withdrawRelatime(attributes))],
  ['rnorelatime', ({ recursiveAttributes }) => apply(recursiveAttributes, kernelsDefault)],
  ...superblockOptions.map((name): Entry => [name, flag(({ superblock }) => superblock.push(name))]),
  ['acl', flag(set({ acl: 'acl' }))],
  ['noacl', flag(set({ acl: 'noacl' }))],
  // A filesystem goes by these or not, whatever a mount says.
  ...['iversion', 'noiversion', 'loud', 'silent'].map((name): Entry => [name, flag(set({}))]),
  ['defaults', set({})],
  ...[...propagations].map(([name, change]): Entry => [name, ({ propagation }) => propagation.push(change)]),
  ['bind', (options) => set({ bind: options.bind === 'no' ? 'single' : options.bind })(options)],
  ['rbind', set({ bind: 'recursive' })],
  ['remount', set({ remount: true })],
  ['tmpcopyup', set({ tmpCopyUp: true })],
  ['idmap', (options) => set({ idmap: options.idmap === 'no' ? 'single' : options.idmap })(options)],
  ['ridmap', set({ idmap: 'recursive' })],
]);

/** Every option of the specification and of runc; what is none is passed to the filesystem. For `features`. */
export const knownMountOptions: readonly string[] = [...meanings.keys()].sort();

/** What is of use to mount(8) alone. */
const meaningsOfMount8: ReadonlyMap<string, Meaning> = new Map([
  ...['', 'nofail', 'auto', 'noauto', 'nouser', '_netdev'].map((name): Entry => [name, set({})]),
  // Who else than root may mount it implies attributes, which a later option may clear.
  ...['user', 'users', 'owner', 'group'].map((name): Entry => {
    const noexec = name.startsWith('user') ? MOUNT_ATTR_NOEXEC : 0;
    return [
      name,
      flag(({ attributes }) => apply(attributes, [MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | noexec, 0])),
    ];
  }),
]);

/** What a person or program wrote for itself: comments of mount(8). */
const COMMENT = /^(x-|comment=)/;

function set(change: Partial<MountOptions>): Meaning {
  return (options) => Object.assign(options, change);
}

function flag(meaning: Meaning): Meaning {
  return (options) => {
    options.named = true;
    meaning(options);
  };
}

function apply(change: AttributeChange, [set, clear]: Change): void {
  // A later option overrides an earlier one: "ro,rw" is rw.
  change.set = (change.set & ~clear) | set;
  change.clear = (change.clear & ~set) | clear;
}

/** What is left is the mode of another option, of the source of a bind mount, or the kernel's default. */
function withdrawRelatime(change: AttributeChange): void {
  if ((change.set & MOUNT_ATTR__ATIME) === MOUNT_ATTR_RELATIME) change.clear &= ~MOUNT_ATTR__ATIME;
}

/** The options of a mount; by an old habit of engines its type may say alone that it is a bind mount. */
export function optionsOf({ type, options = [] }: Pick<Mount, 'type' | 'options'>): MountOptions {
  const parsed = parseMountOptions(options);
  if (parsed.bind !== 'no' || parsed.remount) return parsed;
  if (type === 'bind') parsed.bind = 'single';
  if (type === 'rbind') parsed.bind = 'recursive';
  // Propagation alone is that of a mount that is there (mount(2)).
  if (!type && parsed.propagation.length > 0) parsed.remount = true;
  return parsed;
}

export function parseMountOptions(options: readonly string[]): MountOptions {
  const parsed: MountOptions = {
    bind: 'no',
    remount: false,
    named: false,
    attributes: { set: 0, clear: 0 },
    recursiveAttributes: { set: 0, clear: 0 },
    propagation: [],
    superblock: [],
    data: [],
    acl: undefined,
    tmpCopyUp: false,
    idmap: 'no',
  };
  for (const option of options) {
    const meaning = meanings.get(option) ?? meaningsOfMount8.get(option);
    if (meaning) meaning(parsed);
    else if (!COMMENT.test(option)) parsed.data.push(option);
  }
  return parsed;
}

/** Whether an option is none of every mount, and not ignored: then the filesystem decides what it means. */
export function isOfFilesystem(option: string): boolean {
  return !meanings.has(option) && !meaningsOfMount8.has(option) && !COMMENT.test(option);
}

/** `size=64k` as fsconfig(2) takes it; an option without a value is a flag. */
export function keyAndValue(option: string): [key: string, value: string | undefined] {
  const at = option.indexOf('=');
  return at < 0 ? [option, undefined] : [option.slice(0, at), option.slice(at + 1)];
}
