// config.md#mounts, mounted one after another through the mount API by descriptor.

import {
  AT_EMPTY_PATH,
  AT_SYMLINK_NOFOLLOW,
  O_PATH,
  RESOLVE_NO_SYMLINKS,
  STATX_BASIC_STATS,
  STATX_MNT_ID,
} from '../linux/constants.ts';
import { EINVAL, ENOENT } from '../linux/errno.ts';
import { TsociError } from '../linux/errors.ts';
import { isSamePlace, STATX_SIZE } from '../linux/statx.ts';
import type { Program } from '../stub/program.ts';
import { OperationError, type Results } from '../stub/results.ts';
import { bindAttributes, cloneTree, explainBind, sourceKind } from './bind.ts';
import {
  attach,
  type BuildContext,
  openInRootArguments,
  type RootContext,
  setPropagation,
} from './context.ts';
import { copyUp } from './copy-up.ts';
import { explain, newFilesystem, type Place } from './filesystem.ts';
import { describe, type MountPlan } from './mount-plan.ts';
import { explainRefusal, explainUnmade } from './mount-refusal.ts';
import { lookForProc, refuseOnProc } from './proc-mounts.ts';
import { remount } from './remount.ts';
import { makeTarget, type TargetKind, targetKind } from './target.ts';
import { goesByCovered, isReadonlyLater } from './tmpfs.ts';

/** Filesystems whose destination must not lead through a symlink. */
const unlinked = new Set(['proc', 'sysfs']);

/** Places of the root filesystem that no link of the image leads a mount to. */
const notByLink = [
  { name: '', why: 'the root, which a mount there would cover' },
  { name: 'proc', why: '/proc, where only a procfs may be mounted, and by that name' },
  { name: 'dev', why: '/dev, in which devices would be made' },
];

export function performMount(context: BuildContext, plan: MountPlan): void {
  if (plan.options.remount) return remount(context, plan);
  const { init } = context;
  const { target, covered } = openOrMakeTarget(context, plan);
  const mount = makeMount(context, plan, { target, covered });
  if (plan.options.tmpCopyUp) copyUp(init, { from: target, to: mount, path: plan.destination });
  const program = init.program();
  attachMount(program, plan, mount, target);
  try {
    init.run(program);
  } catch (error) {
    throw explainAttach(context, plan, error);
  }
  rememberReadonly(context, plan, mount);
}

/** A target, and what is covered there, a struct statx: nothing, if the target was made for the mount. */
function openOrMakeTarget(context: RootContext, plan: MountPlan): { target: number; covered?: Buffer } {
  try {
    return lookAtTarget(context, plan);
  } catch (error) {
    if (!(error instanceof OperationError) || error.executed !== 0 || error.errno !== ENOENT) throw error;
  }
  const kind = kindOf(context, plan);
  try {
    makeTarget(context, plan.destination, kind);
  } catch (error) {
    throw explainUnmade(describe(plan), error);
  }
  return { target: lookAtTarget(context, plan).target };
}

function lookAtTarget({ init, root }: RootContext, plan: MountPlan): { target: number; covered: Buffer } {
  const program = init.program();
  const target = openTarget(program, root, plan, goesThroughLinks(plan) ? 0 : RESOLVE_NO_SYMLINKS);
  const stat = inspect(program, plan, target);
  const reserved = notByLink
    .filter(({ name }) => plan.destination !== `/${name}`)
    .map(({ name, why }) => ({ stat: inspect(program, plan, root, name), why }));
  const results = init.run(program);
  const covered = results.bytes(stat);
  const found = reserved.find((place) => isSamePlace(covered, results.bytes(place.stat)));
  if (found) throw new TsociError(`${describe(plan)}: it is a link to ${found.why}`, { errno: EINVAL });
  return { target, covered };
}

/** struct statx of what a descriptor is of, or of what it has by a name: it stays empty where there is nothing. */
export function inspect(program: Program, plan: MountPlan, fd: number, name = ''): Buffer {
  const stat = Buffer.alloc(STATX_SIZE);
  const flags = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW;
  const args = [fd, name, flags, STATX_BASIC_STATS | STATX_MNT_ID, stat];
  program.call('statx', args, describe(plan), { ignored: name === '' ? [] : [ENOENT] });
  return stat;
}

/** Where proc and sysfs are is what masks and checks go by: no link decides that (CVE-2023-27561, CVE-2023-28642). */
function goesThroughLinks({ destination, from }: MountPlan): boolean {
  return destination !== '/dev' && (!('type' in from) || !unlinked.has(from.type));
}

/** What a mount makes of its destination. */
function kindOf({ init }: RootContext, plan: MountPlan): TargetKind {
  if (plan.kind !== undefined) return plan.kind;
  return 'source' in plan.from ? sourceKind(init, plan.from.source, describe(plan)) : 'directory';
}

export function rememberReadonly(
  { readonlyLater }: BuildContext,
  plan: MountPlan,
  mount: number | undefined,
): void {
  if (mount === undefined || !isReadonlyLater(plan)) return;
  const doing = `make ${plan.destination} read-only`;
  readonlyLater.push({ mount, doing, property: plan.property });
}

/** move_mount(2) has the same EINVAL for much: whether a directory and a file meet is seen by the target. */
function explainAttach(context: RootContext, plan: MountPlan, error: unknown): unknown {
  const { destination, from } = plan;
  if (!(error instanceof OperationError) || error.operation.call !== 'move_mount') return error;
  const kind = kindOf(context, plan);
  const there = targetKind(context, destination);
  if (there === undefined || there === kind) return error;
  const what = 'type' in from ? `a ${from.type}` : 'the source';
  return error.hinted(`${what} is a ${kind}, and what is at the destination a ${there}`);
}

/** Opens the target. As the first operation it tells whether the target exists. */
export function openTarget(program: Program, root: number, plan: MountPlan, resolve: number): number {
  const args = openInRootArguments(root, plan.destination, O_PATH, resolve);
  return program.open('openat2', args, describe(plan));
}

/** Adds what makes a detached mount; `filesystem` is the context of a new one, for its log. */
export function addMount(
  program: Program,
  plan: MountPlan,
  place: Place,
  how: { atOnce?: boolean } = {},
): { mount: number; filesystem?: number } {
  const doing = describe(plan);
  const { from, options } = plan;
  if ('type' in from) return newFilesystem(program, place, from, plan);
  const mount = 'tree' in from ? from.tree : cloneTree(program, from.source, options, doing);
  bindAttributes(program, mount, plan, doing, how);
  return { mount };
}

/** Attaches it where its target is, and lets go of both. */
export function attachMount(program: Program, plan: MountPlan, mount: number, target: number): void {
  attach(program, mount, target, describe(plan));
  setPropagation(program, mount, plan.destination, plan.options);
  if (!isReadonlyLater(plan)) program.close(mount);
  program.close(target);
}

/** A detached mount, which may be where it shall go. */
function makeMount(
  { init, root, ownUsers }: BuildContext,
  plan: MountPlan,
  { target, covered }: { target: number; covered?: Buffer | undefined },
): number {
  const program = init.program();
  const place = { root, target, covered: goesByCovered(plan) ? covered : undefined, ownUsers };
  const { mount, filesystem } = addMount(program, plan, place);
  const look = lookForProc(program, plan, { target, mount });
  let results: Results;
  try {
    results = init.run(program);
  } catch (refusal) {
    const error = explainBind(plan, refusal);
    if (error === refusal && filesystem !== undefined && 'type' in plan.from)
      throw explainRefusal(plan.from.type, explain(init, filesystem, error));
    throw error;
  }
  refuseOnProc(plan, look, results);
  return mount;
}
