// --no-pivot, for a root filesystem on which pivot_root(2) fails because the old root is a ramfs: the new root is moved onto / and
// entered by chroot(2), as switch_root(8) does. The old root stays mounted below it; all other mounts of the host are
// unmounted.

import { readFileSync } from 'node:fs';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  MNT_DETACH,
  MS_MOVE,
  MS_RDONLY,
  MS_SLAVE,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  STATX_MNT_ID,
} from '../linux/constants.ts';
import { EINVAL, ENOENT, EPERM } from '../linux/errno.ts';
import { TsociError } from '../linux/errors.ts';
import { type MountInfo, parseMountinfo } from '../linux/mountinfo.ts';
import { STATX_SIZE, STX_MNT_ID } from '../linux/statx.ts';
import type { StubProcess } from '../stub/stub-process.ts';
import { setAttributes } from './context.ts';
import { chrootHere } from './root.ts';

/** Makes the root filesystem init's root, as pivotInto does. */
export function moveInto(init: StubProcess, root: number): void {
  const newRoot = mountOf(init, root);
  const mounts = mountsOf(init);
  const program = init.program();
  const old = program.open(
    'openat',
    [AT_FDCWD, '/', O_PATH | O_DIRECTORY | O_CLOEXEC, 0],
    'open the old root',
  );
  // With rootfsPropagation shared it is still a peer of the host's: what is moved onto it would be moved there, too.
  setAttributes(program, old, { propagation: MS_SLAVE }, 0, 'make the old root a slave of the host');
  program.call('fchdir', [root], 'change to the root filesystem');
  program.call('mount', ['.', '/', null, MS_MOVE, null], 'move the root filesystem to /');
  program.call('fchdir', [old], 'change to the old root');
  program.close(old);
  init.later(program);
  if (!unmountAll(init, mounts, newRoot)) coverKernelFilesystems(init, mounts, newRoot);
  refuseVisible(init, newRoot);
  const entering = init.program();
  entering.call('fchdir', [root], 'change to the root filesystem');
  chrootHere(entering);
  init.later(entering);
}

/** The id of the mount that a descriptor of the stub leads to. */
function mountOf(init: StubProcess, fd: number): number {
  const program = init.program();
  const stat = Buffer.alloc(STATX_SIZE);
  const doing = 'look for the mount of the root filesystem';
  program.call('statx', [fd, '', AT_EMPTY_PATH, STATX_MNT_ID, stat], doing);
  return Number(init.run(program).bytes(stat).readBigUInt64LE(STX_MNT_ID));
}

/** All mounts that init can reach. A stub that is only planned would have copies of ours. */
function mountsOf(init: StubProcess): MountInfo[] {
  const pid = init.onHost((process) => process) ?? 'self';
  return parseMountinfo(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'));
}

/** Unmounts what is mounted on the old root, each with all below it. False where that is not allowed. */
function unmountAll(init: StubProcess, mounts: readonly MountInfo[], newRoot: number): boolean {
  const oldRoot = mounts.findLast(({ mountPoint }) => mountPoint === '/')?.id;
  const above = mounts.filter(({ id, parent }) => parent === oldRoot && id !== oldRoot && id !== newRoot);
  // The shorter of two paths comes first: its mount hides the other, or that would be mounted on it.
  const paths = above.flatMap((mount) => stack(mounts, mount).map(({ mountPoint }) => mountPoint)).sort();
  if (paths.length === 0) return true;
  const program = init.program();
  const unmounted = paths.map((path) => {
    const doing = `unmount ${path} of the host`;
    const mount = program.open('openat', [AT_FDCWD, below(path), O_PATH | O_CLOEXEC, 0], doing);
    // What is unmounted from a shared mount is unmounted from its peers, too.
    setAttributes(program, mount, { propagation: MS_SLAVE }, AT_RECURSIVE, doing);
    program.close(mount);
    return program.call('umount2', [below(path), MNT_DETACH], doing, { ignored: [EINVAL, EPERM] });
  });
  const results = init.run(program);
  return unmounted.every((index) => results.at(index) === 0);
}

/** A mount and those that lie over it, on its own root. */
function stack(mounts: readonly MountInfo[], mount: MountInfo): MountInfo[] {
  const over = mounts.find(
    ({ parent, mountPoint }) => parent === mount.id && mountPoint === mount.mountPoint,
  );
  return over ? [mount, ...stack(mounts, over)] : [mount];
}

/** The path of a mount point as seen from the old root, which is the working directory. */
function below(mountPoint: string): string {
  return mountPoint.slice(1);
}

/**
 * A user namespace may not unmount what it was given with its mount namespace (mount_namespaces(7), locked mounts). Then
 * an empty tmpfs over each procfs and sysfs does what is needed: see refuseVisible.
 */
function coverKernelFilesystems(init: StubProcess, mounts: readonly MountInfo[], newRoot: number): void {
  const program = init.program();
  for (const { mountPoint } of kernelFilesystems(mounts, newRoot)) {
    const args = ['tmpfs', below(mountPoint), 'tmpfs', MS_RDONLY, 'size=0'];
    // One that lies below another mount is out of reach already.
    program.call('mount', args, `cover ${mountPoint} of the host`, { ignored: [ENOENT] });
  }
  init.run(program);
}

/**
 * A user namespace may mount a procfs or a sysfs of its own if its mount namespace has one that nothing lies over: masks of
 * the container would not hold for that. So none may be left but those of the container.
 */
function refuseVisible(init: StubProcess, newRoot: number): void {
  init.onHost((pid) => {
    const mounts = parseMountinfo(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'));
    const visible = kernelFilesystems(mounts, newRoot).find((mount) => stack(mounts, mount).length === 1);
    if (visible) throw new TsociError(`--no-pivot: ${visible.mountPoint} of the host cannot be hidden`);
  });
}

/** Every procfs and sysfs outside the new root. */
function kernelFilesystems(mounts: readonly MountInfo[], newRoot: number): MountInfo[] {
  const parents = new Map(mounts.map(({ id, parent }) => [id, parent]));
  const isInside = (id: number | undefined): boolean => {
    for (let at = id; at !== undefined && at !== parents.get(at); at = parents.get(at))
      if (at === newRoot) return true;
    return false;
  };
  return mounts.filter(({ id, type }) => (type === 'proc' || type === 'sysfs') && !isInside(id));
}
