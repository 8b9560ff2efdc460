// The root filesystem as a mount, and the way into it: pivot_root(2) or its substitutes.

import { propagations } from '../config/mount-options.ts';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  MNT_DETACH,
  MOUNT_ATTR_RDONLY,
  MS_PRIVATE,
  MS_SHARED,
  MS_SLAVE,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  RESOLVE_NO_SYMLINKS,
  STATX_MNT_ID,
} from '../linux/constants.ts';
import { TsociError } from '../linux/errors.ts';
import { isSameMount, STATX_SIZE } from '../linux/statx.ts';
import { type Program, Structure, withProperty } from '../stub/program.ts';
import type { StubProcess } from '../stub/stub-process.ts';
import { attach, setAttributes } from './context.ts';
import { makeDirectories } from './target.ts';

/**
 * Keeps mount events of the container from the host: everything below / becomes a slave, unless rootfsPropagation
 * asks for shared, or is stricter. mount_namespaces(7).
 */
export function isolateMounts(program: Program, rootfsPropagation: string | undefined): void {
  const asked = propagations.get(rootfsPropagation ?? '');
  if (asked?.type === MS_SHARED) return;
  const type = asked?.type === MS_PRIVATE ? MS_PRIVATE : MS_SLAVE;
  const root = program.open('openat', [AT_FDCWD, '/', O_PATH | O_DIRECTORY | O_CLOEXEC, 0], 'open /');
  setAttributes(program, root, { propagation: type }, AT_RECURSIVE, 'set the propagation of all mounts');
  program.close(root);
}

/**
 * The directory of the root filesystem, whose path has no links (Bundle): one that takes the place of a part of it meanwhile
 * leads nowhere.
 */
export function openRoot(program: Program, rootfs: string): number {
  // struct open_how: flags, mode, resolve.
  const how = new Structure([O_PATH | O_DIRECTORY | O_CLOEXEC, 0, RESOLVE_NO_SYMLINKS]);
  const args = [AT_FDCWD, rootfs, how, how.words.length * 8];
  return program.open('openat2', args, `open the root filesystem ${rootfs}`);
}

/** `parent` is the mount point that holds that directory: mounts must not propagate from there (pivot_root(2)). */
export function makeParentPrivate(init: StubProcess, target: number, parent: string): void {
  const program = init.program();
  const doing = `make ${parent} private`;
  const above = program.open('openat', [AT_FDCWD, parent, O_PATH | O_CLOEXEC, 0], doing);
  const [one, other] = [above, target].map((fd) => {
    const stat = Buffer.alloc(STATX_SIZE);
    program.call('statx', [fd, '', AT_EMPTY_PATH, STATX_MNT_ID, stat], doing);
    return stat;
  });
  setAttributes(program, above, { propagation: MS_PRIVATE }, 0, doing);
  program.close(above);
  const results = init.run(program);
  if (!one || !other || !isSameMount(results.bytes(one), results.bytes(other)))
    throw new TsociError(`${doing}: the root filesystem is on another mount meanwhile`);
}

/**
 * Mounts the root filesystem on its own directory, so that it is a mount that pivot_root accepts; returns its descriptor
 * in init.
 */
export function mountRoot(program: Program, target: number, rootfs: string): number {
  const doing = `mount the root filesystem ${rootfs}`;
  const root = cloneRoot(program, target, doing);
  attach(program, root, target, doing);
  program.close(target);
  return root;
}

/** A detached copy of the root filesystem, with what is mounted in it. */
export function cloneRoot(program: Program, directory: number, doing: string): number {
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH;
  return program.open('open_tree', [directory, '', flags], doing);
}

/** Makes the root filesystem init's root. What was there before is unmounted and out of reach. */
export function pivotInto(init: StubProcess, root: number): void {
  const program = init.program();
  const old = program.open(
    'openat',
    [AT_FDCWD, '/', O_PATH | O_DIRECTORY | O_CLOEXEC, 0],
    'open the old root',
  );
  program.call('fchdir', [root], 'change to the root filesystem');
  // With "." as the place of the old root it is mounted over the new one, and taken off again.
  program.call('pivot_root', ['.', '.'], 'pivot_root into the root filesystem');
  // With rootfsPropagation shared it is still a peer of the host's: what is unmounted there would be on the host, too.
  const doing = 'make the old root a slave of the host';
  setAttributes(program, old, { propagation: MS_SLAVE }, AT_RECURSIVE, doing);
  program.call('umount2', ['.', MNT_DETACH], 'unmount the old root');
  program.call('chdir', ['/'], 'change to /');
  program.close(old);
  init.later(program);
}

/**
 * Without a mount namespace of its own the container has the mounts of the host, but sees only its root filesystem. `cwd` is
 * made there, as with one.
 */
export function chrootInto(init: StubProcess, rootfs: string, cwd: string | undefined): void {
  const program = init.program().for('root.path');
  const root = openRoot(program, rootfs);
  init.later(program);
  if (cwd) withProperty(init, 'process.cwd', () => makeDirectories({ init, root }, cwd));
  const entering = init.program().for('root.path');
  entering.call('fchdir', [root], 'change to the root filesystem');
  entering.close(root);
  chrootHere(entering);
  init.later(entering);
}

/** chroot(2) into the working directory. */
export function chrootHere(program: Program): void {
  program.call('chroot', ['.'], 'chroot into the root filesystem');
  program.call('chdir', ['/'], 'change to /');
}

/** rootfsPropagation, once it is the root. */
export function setRootPropagation(
  program: Program,
  root: number,
  rootfsPropagation: string | undefined,
): void {
  const asked = propagations.get(rootfsPropagation ?? '');
  if (!asked) return;
  const flags = asked.recursive ? AT_RECURSIVE : 0;
  const doing = `set rootfsPropagation ${rootfsPropagation}`;
  setAttributes(program, root, { propagation: asked.type }, flags, doing);
}

/** config.md#root: readonly. */
export function makeRootReadOnly(program: Program, root: number): void {
  setAttributes(program, root, { set: MOUNT_ATTR_RDONLY }, 0, 'make the root filesystem read-only');
}
