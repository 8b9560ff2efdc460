// Bind mounts: a detached copy of what is at a path, and its attributes.

import type { AttributeChange, MountOptions } from '../config/mount-options.ts';
import {
  AT_FDCWD,
  AT_RECURSIVE,
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_IDMAP,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  S_IFDIR,
  STATX_TYPE,
} from '../linux/constants.ts';
import { EPERM } from '../linux/errno.ts';
import { fileTypeOf, STATX_SIZE } from '../linux/statx.ts';
import type { Program } from '../stub/program.ts';
import type { StubProcess } from '../stub/stub-process.ts';
import { changeAttributes, setAttributes } from './context.ts';
import { explainIdmap, mappingIds } from './idmap-refusal.ts';
import { describe, type MountPlan } from './mount-plan.ts';
import { explainLocked, settingFlags } from './mount-refusal.ts';
import type { TargetKind } from './target.ts';

/** What a bind mount takes from its source as long as no flag is named. */
const INHERITED =
  MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSYMFOLLOW;

/** open_tree(2): a detached copy of the mount at a path of the runtime's mount namespace. */
export function cloneTree(program: Program, source: string, options: MountOptions, doing: string): number {
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (options.bind === 'recursive' ? AT_RECURSIVE : 0);
  return program.open('open_tree', [AT_FDCWD, source, flags], doing);
}

/** What is at the path of a source now, in init's mount namespace. */
export function sourceKind(init: StubProcess, source: string, doing: string): TargetKind {
  const stat = Buffer.alloc(STATX_SIZE);
  const program = init.program();
  program.call('statx', [AT_FDCWD, source, 0, STATX_TYPE, stat], doing);
  return fileTypeOf(init.run(program).bytes(stat)) === S_IFDIR ? 'directory' : 'file';
}

/**
 * Attributes of a detached tree: ids mapped, then flags. `atOnce` sets and clears those of the mount itself in one call, which
 * fails where one of them may not be cleared.
 */
export function bindAttributes(
  program: Program,
  mount: number,
  { options, idmapNamespace }: Pick<MountPlan, 'options' | 'idmapNamespace'>,
  doing: string,
  { atOnce = false } = {},
): void {
  if (idmapNamespace !== undefined) {
    const attributes = { set: MOUNT_ATTR_IDMAP, usernsFd: idmapNamespace };
    const flags = options.idmap === 'recursive' ? AT_RECURSIVE : 0;
    setAttributes(program, mount, attributes, flags, mappingIds(doing));
  }
  const { attributes, recursiveAttributes, named } = options;
  if (named && atOnce) {
    const { set, clear } = attributes;
    setAttributes(program, mount, { set, clear: clear | othersOf(attributes) }, 0, settingFlags(doing));
  } else {
    changeAttributes(program, mount, attributes, 0, settingFlags(doing));
    if (named) clearOthers(program, mount, attributes, doing);
  }
  changeAttributes(program, mount, recursiveAttributes, AT_RECURSIVE, settingFlags(doing));
}

/**
 * Clears the flags that nobody named. A user namespace has locked what its mounts had when they came
 * (mount_namespaces(7)): then all stay.
 */
function clearOthers(program: Program, mount: number, attributes: AttributeChange, doing: string): void {
  const others = othersOf(attributes);
  setAttributes(program, mount, { clear: others }, 0, settingFlags(doing), { ignored: [EPERM] });
}

/** The flags that nobody named, which mount(2) clears with MS_REMOUNT | MS_BIND. Access times stay, unless they are named. */
function othersOf({ set, clear }: AttributeChange): number {
  const timesNamed = (clear & MOUNT_ATTR__ATIME) !== 0;
  return (INHERITED | (timesNamed ? MOUNT_ATTR_NODIRATIME : 0)) & ~(set | clear);
}

/** The error with what would help, if it is of a bind mount's attributes. */
export function explainBind(plan: MountPlan, error: unknown): unknown {
  return explainLocked(describe(plan), explainIdmap(plan, describe(plan), error));
}
