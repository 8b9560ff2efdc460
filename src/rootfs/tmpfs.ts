// Filesystems in memory, which are empty at first: what they have of the directory that they cover, and when they become
// read-only.

import { keyAndValue } from '../config/mount-options.ts';
import { FSCONFIG_SET_STRING, MOUNT_ATTR_RDONLY } from '../linux/constants.ts';
import { EINVAL } from '../linux/errno.ts';
import { STX_GID, STX_MODE, STX_UID } from '../linux/statx.ts';
import type { Program } from '../stub/program.ts';
import { attributesOf, describe, type MountPlan } from './mount-plan.ts';

/** Whether a mount is made only when its target is seen: a tmpfs without `mode`, or one with `tmpcopyup`. */
export function goesByCovered({ from, options }: MountPlan): boolean {
  if (!('type' in from) || from.type !== 'tmpfs') return false;
  return options.tmpCopyUp || !options.data.some((option) => keyAndValue(option)[0] === 'mode');
}

/** The mode and owner of the directory that it covers, of which `covered` is a struct statx, for a tmpfs without `mode`. */
export function optionsOfCovered({ options }: MountPlan, covered: Buffer): string[] {
  const given = new Set(options.data.map((option) => keyAndValue(option)[0]));
  if (given.has('mode')) return [];
  return [
    `mode=${(covered.readUInt16LE(STX_MODE) & 0o7777).toString(8)}`,
    ...(given.has('uid') ? [] : [`uid=${covered.readUInt32LE(STX_UID)}`]),
    ...(given.has('gid') ? [] : [`gid=${covered.readUInt32LE(STX_GID)}`]),
  ];
}

/** Sets them. An owner that the user namespace does not have is refused with EINVAL: then it is root. */
export function likeCovered(program: Program, filesystem: number, plan: MountPlan, covered: Buffer): void {
  for (const option of optionsOfCovered(plan, covered)) {
    const [key, value = ''] = keyAndValue(option);
    const args = [filesystem, FSCONFIG_SET_STRING, key, value, 0];
    const doing = `${describe(plan)}: ${key} of what it covers`;
    program.call('fsconfig', args, doing, { ignored: [EINVAL] });
  }
}

export function isInMemory(type: string): boolean {
  return type === 'tmpfs' || type === 'ramfs';
}

/** Whether a mount has to become read-only at the end: when all is made in it that belongs there. */
export function isReadonlyLater({ from, options }: MountPlan): boolean {
  return 'type' in from && isInMemory(from.type) && (attributesOf(options) & MOUNT_ATTR_RDONLY) !== 0;
}
