// Filesystems in memory, which are empty at first: what they have of the directory that they cover, and when they become
// read-only.

import { keyAndValue, type MountOptions } from '../config/mount-options.ts';
import {
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_STRICTATIME,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_STRICTATIME,
} from '../linux/constants.ts';
import { STX_GID, STX_MODE, STX_UID } from '../linux/statx.ts';
import type { Program } from '../stub/program.ts';
import { optionsOfMount } from './long-options.ts';
import { attributesOf, describe, type MountPlan } from './mount-plan.ts';

/** Whether a mount is made only when its target is seen: a tmpfs without `mode`, or one with `tmpcopyup`. */
export function goesByCovered({ from, options }: MountPlan): boolean {
  if (!('type' in from) || from.type !== 'tmpfs') return false;
  return options.tmpCopyUp || !options.data.some((option) => keyAndValue(option)[0] === 'mode');
}

/** Whom files belong to whose owner a user namespace does not have (/proc/sys/kernel/overflowuid). */
const NOBODY = 65534;

/** The mode and owner of the directory that it covers, of which `covered` is a struct statx, for a tmpfs without `mode`. */
export function optionsOfCovered(
  { data }: MountOptions,
  { covered, ownUsers }: { covered: Buffer | undefined; ownUsers: boolean },
): string[] {
  const given = new Set(data.map((option) => keyAndValue(option)[0]));
  if (!covered || given.has('mode')) return [];
  const owner = (key: string, id: number) =>
    // What is made is root's, as what belongs to nobody in there has to be.
    id === 0 || given.has(key) || (ownUsers && id === NOBODY) ? [] : [`${key}=${id}`];
  return [
    `mode=${(covered.readUInt16LE(STX_MODE) & 0o7777).toString(8)}`,
    ...owner('uid', covered.readUInt32LE(STX_UID)),
    ...owner('gid', covered.readUInt32LE(STX_GID)),
  ];
}

/** Characters. In UTF-8, and with what is added to them, they are fewer bytes than the page of options that mount(2) takes. */
const MOST_OPTIONS = 1024;

/**
 * Whether a tmpfs can be made and attached by one call of mount(2), in place of ten of the mount API. mount(2) has no log and
 * cuts its options at commas: what it refuses is tried by the mount API, which tells why.
 */
export function isMadeAtOnce(plan: MountPlan): boolean {
  const { from, options, idmapNamespace } = plan;
  if (!('type' in from) || from.type !== 'tmpfs' || options.tmpCopyUp || isReadonlyLater(plan)) return false;
  const plain = idmapNamespace === undefined && plan.label === undefined && options.propagation.length === 0;
  const text = options.data.join('');
  return plain && !text.includes(',') && text.length <= MOST_OPTIONS;
}

/** Attributes of a mount, as mount(2) calls them. */
const flagsOfAttributes: readonly (readonly [attribute: number, mask: number, flag: number])[] = [
  [MOUNT_ATTR_NOSUID, MOUNT_ATTR_NOSUID, MS_NOSUID],
  [MOUNT_ATTR_NODEV, MOUNT_ATTR_NODEV, MS_NODEV],
  [MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOEXEC, MS_NOEXEC],
  [MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME, MS_NOATIME],
  [MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME, MS_STRICTATIME],
  [MOUNT_ATTR_NODIRATIME, MOUNT_ATTR_NODIRATIME, MS_NODIRATIME],
  [MOUNT_ATTR_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW],
];

/** Adds what mounts a tmpfs (isMadeAtOnce) on a directory that is open. It is the working directory then. */
export function mountTmpfs(
  program: Program,
  plan: MountPlan,
  device: string | undefined,
  place: { target: number; covered: Buffer | undefined; ownUsers: boolean },
): void {
  const { options } = plan;
  const doing = describe(plan);
  const attributes = attributesOf(options);
  const { bits, data } = optionsOfMount([
    ...options.superblock,
    ...options.data,
    ...optionsOfCovered(options, place),
  ]);
  const flags = flagsOfAttributes.reduce(
    (all, [attribute, mask, flag]) => ((attributes & mask) === attribute ? all | flag : all),
    bits,
  );
  program.call('fchdir', [place.target], doing);
  program.call('mount', [device ?? 'tmpfs', '.', 'tmpfs', flags, data], doing);
}

export function isInMemory(type: string): boolean {
  return type === 'tmpfs' || type === 'ramfs';
}

/** Whether a mount has to become read-only at the end: when all is made in it that belongs there. */
export function isReadonlyLater({ from, options }: MountPlan): boolean {
  return 'type' in from && isInMemory(from.type) && (attributesOf(options) & MOUNT_ATTR_RDONLY) !== 0;
}
