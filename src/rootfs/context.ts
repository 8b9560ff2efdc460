// What every step of building the root filesystem works with.

import type { AttributeChange, MountOptions } from '../config/mount-options.ts';
import {
  AT_EMPTY_PATH,
  AT_RECURSIVE,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_EMPTY_PATH,
  O_CLOEXEC,
  O_PATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
} from '../linux/constants.ts';
import type { OperationOptions, Program, Word } from '../stub/program.ts';
import { Structure } from '../stub/program.ts';
import type { StubProcess } from '../stub/stub-process.ts';

export interface RootContext {
  /** The container's init, in the container's namespaces, before pivot_root. Its umask is 0. */
  readonly init: StubProcess;
  /** The descriptor in init of the mounted root filesystem. */
  readonly root: number;
}

/** What is known while the root filesystem is built. */
export interface BuildContext extends RootContext {
  /** Whether the container's users are those of a user namespace. */
  readonly ownUsers: boolean;
  /** Mounts that become read-only when all is made in them that belongs there. */
  readonly readonlyLater: LaterMount[];
}

export interface LaterMount {
  /** A descriptor in init. */
  readonly mount: number;
  readonly doing: string;
  readonly property: string | undefined;
}

/**
 * The arguments of openat2(2) for a path as the container will see it: no symlink and no magic link leads out of `root`.
 * `resolve` are further RESOLVE_* flags.
 */
export function openInRootArguments(root: number, path: string, flags = O_PATH, resolve = 0): Word[] {
  // struct open_how: flags, mode, resolve.
  const how = new Structure([flags | O_CLOEXEC, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve]);
  // An absolute path begins at the root all the same (openat2(2), RESOLVE_IN_ROOT).
  return [root, path === '' ? '/' : path, how, 24];
}

/** move_mount(2) of a detached mount onto an open target. */
export function attach(program: Program, mount: number, target: number, doing: string): void {
  const flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  program.call('move_mount', [mount, '', target, '', flags], doing);
}

export interface MountAttributes {
  set?: number;
  clear?: number;
  propagation?: number;
  usernsFd?: number;
}

/** mount_setattr(2) on an open mount; `flags` may be AT_RECURSIVE. */
export function setAttributes(
  program: Program,
  mount: number,
  { set = 0, clear = 0, propagation = 0, usernsFd = 0 }: MountAttributes,
  flags: number,
  doing: string,
  options?: OperationOptions,
): void {
  // struct mount_attr: attr_set, attr_clr, propagation, userns_fd.
  const attributes = new Structure([set, clear, propagation, usernsFd]);
  program.call('mount_setattr', [mount, '', AT_EMPTY_PATH | flags, attributes, 32], doing, options);
}

/** mount_setattr(2), unless there is nothing to change. */
export function changeAttributes(
  program: Program,
  mount: number,
  change: AttributeChange,
  flags: number,
  doing: string,
): void {
  if (change.set !== 0 || change.clear !== 0) setAttributes(program, mount, change, flags, doing);
}

/** mount_setattr(2) for each option of propagation. */
export function setPropagation(
  program: Program,
  mount: number,
  destination: string,
  { propagation }: MountOptions,
): void {
  for (const { type, recursive } of propagation) {
    const doing = `set propagation of ${destination}`;
    setAttributes(program, mount, { propagation: type }, recursive ? AT_RECURSIVE : 0, doing);
  }
}
