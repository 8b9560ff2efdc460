// config.md#mounts, mounted one after another through the mount API by descriptor.

import { posix } from 'node:path';
import { attemptOrSkip, isDebugged } from '../linux/attempt.ts';
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
import { type Program, withProperty } from '../stub/program.ts';
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
import { addTarget, makeTarget, type TargetKind, targetKind } from './target.ts';
import { goesByCovered, isReadonlyLater } from './tmpfs.ts';

/** Filesystems whose destination must not lead through a symlink. */
const unlinked = new Set(['proc', 'sysfs']);

/** Places of the root filesystem that no link of the image leads a mount to. */
const notByLink = [
  { name: '', why: 'the root, which a mount there would cover' },
  { name: 'proc', why: '/proc, where only a procfs may be mounted, and by that name' },
  { name: 'dev', why: '/dev, in which devices would be made' },
];

/** How many mounts go into one program at most, which must fit into the stub's buffer. */
const BATCH = 32;

/**
 * Mounts one after another; in one program for as long as all goes well. `supply` completes mounts with what has to be opened
 * for them, a few at a time.
 */
export function mountAll(
  context: BuildContext,
  given: readonly MountPlan[],
  supply = (mounts: readonly MountPlan[]) => [...mounts],
): void {
  const plans: MountPlan[] = [];
  // What a new tmpfs has in it is not there yet.
  const empty = given.filter(
    ({ from, options }) => 'type' in from && from.type === 'tmpfs' && !options.tmpCopyUp,
  );
  const directories = new Set(empty.map(({ destination }) => posix.normalize(destination)));
  // Whoever looks on sees each mount made by itself, and not first in a program that may not go well.
  const alone = isDebugged();
  let size = alone ? 1 : BATCH;
  for (let next = 0; next < given.length; ) {
    while (plans.length < Math.min(next + size, given.length))
      plans.push(...supply(given.slice(plans.length, plans.length + BATCH)));
    const batch = alone ? [] : plans.slice(next, next + size);
    const { ready, covered } = lookAtCovered(context, batch);
    const done = mountBatch(context, ready, covered, directories);
    next += done;
    // Where one target is missing the next often are: a program that is not executed was made for nothing.
    size = alone || done < ready.length ? 1 : Math.min(2 * size, BATCH);
    const plan = plans[next];
    // What takes more than one program, or has failed: by itself it is mended, or its failure told.
    if (plan && (alone || done < batch.length)) {
      attemptOrSkip(plan.property, () =>
        withProperty(context.init, plan.property, () => performMount(context, plan)),
      );
      next += 1;
    }
  }
}

/**
 * How many of a list of mounts can go into one program, and struct statx of the targets by which some of them go. These
 * must be there, and must not be on a mount that comes before in the list: no link leads anywhere else.
 */
function lookAtCovered(
  { init, root }: RootContext,
  plans: readonly MountPlan[],
): { ready: readonly MountPlan[]; covered: ReadonlyMap<MountPlan, Buffer> } {
  const program = init.program();
  const looks: { plan: MountPlan; index: number; stat: Buffer; end: number }[] = [];
  const before = new Set<string>();
  let count = 0;
  for (const plan of plans) {
    const { destination, options } = plan;
    if (options.remount || options.tmpCopyUp) break;
    if (goesByCovered(plan)) {
      if (isWithin(destination, before)) break;
      program.property = plan.property;
      const target = openTarget(program, root, plan, RESOLVE_NO_SYMLINKS);
      const stat = inspect(program, plan, target);
      program.close(target);
      looks.push({ plan, index: count, stat, end: program.length });
    }
    before.add(destination);
    count++;
  }
  const covered = new Map<MountPlan, Buffer>();
  if (looks.length === 0) return { ready: plans.slice(0, count), covered };
  const { results, executed } = runAsFarAsPossible(init, program);
  for (const { plan, index, stat, end } of looks) {
    if (end > executed) return { ready: plans.slice(0, index), covered };
    covered.set(plan, results.bytes(stat));
  }
  return { ready: plans.slice(0, count), covered };
}

/** Whether a path is one of a set, or below one. */
function isWithin(path: string, places: ReadonlySet<string>): boolean {
  for (let at = path; at !== '/'; at = posix.dirname(at)) if (places.has(at)) return true;
  return false;
}

/** The results up to the first error, and how many operations were executed before it. */
function runAsFarAsPossible(
  init: RootContext['init'],
  program: Program,
): { results: Results; executed: number } {
  try {
    return { results: init.run(program), executed: program.length };
  } catch (error) {
    if (!(error instanceof OperationError) || error.executed < 0) throw error;
    return error;
  }
}

/**
 * How many of a list of mounts are done, from the first on: all, or those before the one that failed. For a mount in one
 * of the `empty` directories its own directory is made.
 */
function mountBatch(
  context: BuildContext,
  plans: readonly MountPlan[],
  covered: ReadonlyMap<MountPlan, Buffer>,
  empty: ReadonlySet<string>,
): number {
  if (plans.length === 0) return 0;
  const { init, root, ownUsers } = context;
  const program = init.program();
  const steps = plans.map((plan) => {
    program.property = plan.property;
    if (plan.kind === 'directory' && empty.has(posix.dirname(posix.normalize(plan.destination))))
      addTarget(program, root, plan.destination, 'directory');
    const target = openTarget(program, root, plan, RESOLVE_NO_SYMLINKS);
    const { mount } = addMount(program, plan, { root, target, covered: covered.get(plan), ownUsers });
    const look = lookForProc(program, plan, { target, mount });
    attachMount(program, plan, mount, target);
    return { plan, mount, look, end: program.length };
  });
  const { results, executed } = runAsFarAsPossible(init, program);
  const failed = steps.findIndex(({ end }) => end > executed);
  const done = failed < 0 ? steps.length : failed;
  // Links are followed where each is mounted by itself. Only now is it known what the targets were. A mount that may not
  // be there is refused, and init ends with it.
  for (const { plan, mount, look } of steps.slice(0, done)) {
    refuseOnProc(plan, look, results);
    rememberReadonly(context, plan, mount);
  }
  return done;
}

function performMount(context: BuildContext, plan: MountPlan): void {
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
function inspect(program: Program, plan: MountPlan, fd: number, name = ''): Buffer {
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

function rememberReadonly({ readonlyLater }: BuildContext, plan: MountPlan, mount: number): void {
  if (!isReadonlyLater(plan)) return;
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
function openTarget(program: Program, root: number, plan: MountPlan, resolve: number): number {
  const args = openInRootArguments(root, plan.destination, O_PATH, resolve);
  return program.open('openat2', args, describe(plan));
}

/** Adds what makes a detached mount; `filesystem` is the context of a new one, for its log. */
function addMount(program: Program, plan: MountPlan, place: Place): { mount: number; filesystem?: number } {
  const doing = describe(plan);
  const { from, options } = plan;
  if ('type' in from) return newFilesystem(program, place, from, plan);
  const mount = 'tree' in from ? from.tree : cloneTree(program, from.source, options, doing);
  bindAttributes(program, mount, plan, doing);
  return { mount };
}

/** Attaches it where its target is, and lets go of both. */
function attachMount(program: Program, plan: MountPlan, mount: number, target: number): void {
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
