// Filesystems in memory, which are empty at first: what they have of the directory that they cover, and when they become
// read-only.

import { keyAndValue, type MountOptions } from '../config/mount-options.ts';
import { MOUNT_ATTR_RDONLY } from '../linux/constants.ts';
import { STX_GID, STX_MODE, STX_UID } from '../linux/statx.ts';
import { attributesOf, type MountPlan } from './mount-plan.ts';

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

export function isInMemory(type: string): boolean {
  return type === 'tmpfs' || type === 'ramfs';
}

/** Whether a mount has to become read-only at the end: when all is made in it that belongs there. */
export function isReadonlyLater({ from, options }: MountPlan): boolean {
  return 'type' in from && isInMemory(from.type) && (attributesOf(options) & MOUNT_ATTR_RDONLY) !== 0;
}
