// Filesystems that a mount in the container has in common with the host. Their options, other than the attributes of each
// mount, are one for all: the container's must not become the host's.

import { readFileSync } from 'node:fs';
import { AT_EMPTY_PATH, MS_PRIVATE, STATX_MNT_ID } from '../linux/constants.ts';
import { EINVAL } from '../linux/errno.ts';
import { TsociError } from '../linux/errors.ts';
import { type MountInfo, parseMountinfo } from '../linux/mountinfo.ts';
import { STATX_SIZE, STX_MNT_ID } from '../linux/statx.ts';
import { openInRootArguments, type RootContext } from './context.ts';
import { settings } from './filesystem.ts';
import { describe, type MountPlan } from './mount-plan.ts';
import { isSingleInstance } from './single-instance.ts';

/** In place of one more mount of a filesystem that the host has mounted, that mount is bound. */
export function bindHostFilesystems(mounts: readonly MountPlan[]): void {
  for (const mount of mounts) {
    const type = 'type' in mount.from && !mount.options.remount ? mount.from.type : '';
    if (!isSingleInstance(type)) continue;
    const found = hostMounts().findLast((host) => host.type === type && host.root === '/');
    if (found) bindInPlace(mount, found.mountPoint);
  }
}

/**
 * Makes a new mount a bind mount of `source`, in what the host has mounted of the same filesystem at `mountPoint`. It has the
 * attributes that the config asks for, and none of those that the host's mount has, as a new one would.
 */
export function bindInPlace(mount: MountPlan, mountPoint: string, source = mountPoint): void {
  refuseOptions(mount, () => hostMounts().findLast((host) => host.mountPoint === mountPoint));
  mount.from = { source };
  mount.options = {
    ...mount.options,
    bind: 'single',
    named: true,
    superblock: [],
    data: [],
    propagation: [{ type: MS_PRIVATE, recursive: false }, ...mount.options.propagation],
  };
}

/** Options that the filesystem has anyway need no change. */
function refuseOptions(mount: MountPlan, find: () => MountInfo | undefined): void {
  const asked = 'type' in mount.from ? settings(mount.from.type, mount.options) : [];
  const changes = asked.filter((option) => option !== 'ro');
  if (changes.length === 0) return;
  const has = find()?.superblock ?? [];
  const change = changes.find((option) => !has.includes(option));
  if (change === undefined) return;
  const why = "the filesystem is also the host's, for which it would be set too";
  throw new TsociError(`${describe(mount)}: option ${change}: ${why}`, { errno: EINVAL });
}

/**
 * Whether what is mounted at the destination is of a filesystem that the host has mounted, too; an error if options of it,
 * and not of the mount alone, are to change.
 */
export function isHosts({ init, root }: RootContext, mount: MountPlan): boolean {
  const program = init.program();
  const doing = describe(mount);
  const fd = program.open('openat2', openInRootArguments(root, mount.destination), doing);
  const stat = Buffer.alloc(STATX_SIZE);
  program.call('statx', [fd, '', AT_EMPTY_PATH, STATX_MNT_ID, stat], doing);
  program.close(fd);
  const id = Number(init.run(program).bytes(stat).readBigUInt64LE(STX_MNT_ID));
  const found = init.onHost((pid) => mountsOf(pid).find((there) => there.id === id));
  if (!hostMounts().some(({ device }) => device === found?.device)) return false;
  refuseOptions(mount, () => found);
  return true;
}

/** Not st_dev, which btrfs has another of for each subvolume. */
function mountsOf(pid: number | 'self'): MountInfo[] {
  return parseMountinfo(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'));
}

function hostMounts(): MountInfo[] {
  return mountsOf('self');
}
