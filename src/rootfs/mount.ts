// config.md#mounts, mounted one after another through the mount API by descriptor.

import { posix } from 'node:path';
import type { MountOptions } from '../config/mount-options.ts';
import {
  AT_EMPTY_PATH,
  AT_RECURSIVE,
  FSCONFIG_CMD_RECONFIGURE,
  FSPICK_CLOEXEC,
  FSPICK_EMPTY_PATH,
  O_PATH,
  RESOLVE_NO_SYMLINKS,
  STATX_MNT_ID,
} from '../linux/constants.ts';
import { EINVAL, ENOENT } from '../linux/errno.ts';
import { TsociError } from '../linux/errors.ts';
import { STATX_SIZE, STX_MNT_ID } from '../linux/statx.ts';
import { type Program, withProperty } from '../stub/program.ts';
import { OperationError, type Results } from '../stub/results.ts';
import { bindAttributes, cloneTree, explainBind } from './bind.ts';
import {
  attach,
  type BuildContext,
  changeAttributes,
  openInRootArguments,
  type RootContext,
  setAttributes,
} from './context.ts';
import { explain, isReadonlyLater, newFilesystem, setOption, settings } from './filesystem.ts';
import { describe, type MountPlan } from './mount-plan.ts';
import { explainRefusal } from './mount-refusal.ts';
import { lookForProc, type ProcLook, refuseOnProc } from './proc-mounts.ts';
import { addDirectory, makeTarget, targetKind } from './target.ts';

/** Filesystems whose destination must not lead through a symlink. */
const unlinked = new Set(['proc', 'sysfs']);

/** How many mounts go into one program at most, which must fit into the stub's buffer. */
const BATCH = 32;

/** Mounts one after another; in one program for as long as all goes well. */
export function mountAll(context: BuildContext, plans: readonly MountPlan[]): void {
  // What a new tmpfs has in it is not there yet.
  const empty = plans.filter(({ from, fill }) => 'type' in from && from.type === 'tmpfs' && !fill);
  const directories = new Set(empty.map(({ destination }) => posix.normalize(destination)));
  let size = BATCH;
  for (let next = 0; next < plans.length; ) {
    const batch = plans.slice(next, next + size);
    const special = batch.findIndex(({ options, fill }) => options.remount || fill);
    const ready = special < 0 ? batch : batch.slice(0, special);
    const done = mountBatch(context, ready, directories);
    next += done;
    // Where one target is missing the next often are: a program that is not executed was made for nothing.
    size = done < ready.length ? 1 : Math.min(2 * size, BATCH);
    const plan = plans[next];
    // What takes more than one program, or has failed: by itself it is mended, or its failure told.
    if (plan && (done < ready.length || special === done)) {
      withProperty(context.init, plan.property, () => performMount(context, plan));
      next += 1;
    }
  }
  if (plans.length > 0) refuseCoveredRoot(context, plans);
}

/** A destination that is a link to the root: its mount would lie over the root, where nobody who has the root open is. */
function refuseCoveredRoot(context: RootContext, plans: readonly MountPlan[]): void {
  // At the root `..` is what lies on top of it.
  const [root, top] = mountsAt(context, ['/', '/..']);
  if (root === top) return;
  const destinations = plans.map(({ destination }) => destination);
  // A mount over the root hides no path from who has the root open.
  const mounts = mountsAt(context, destinations);
  const what = destinations.find((_, i) => mounts[i] === root || mounts[i] === top);
  throw new TsociError(`mount on ${what}: it is a link to the root, which is mounted by root.path`);
}

/** The ids of the mounts that paths lead to. */
function mountsAt({ init, root }: RootContext, paths: readonly string[]): bigint[] {
  const program = init.program();
  const stats = paths.map((path) => {
    const doing = `look for mounts on ${path}`;
    const fd = program.open('openat2', openInRootArguments(root, path), doing);
    const stat = Buffer.alloc(STATX_SIZE);
    program.call('statx', [fd, '', AT_EMPTY_PATH, STATX_MNT_ID, stat], doing);
    program.close(fd);
    return stat;
  });
  const results = init.run(program);
  return stats.map((stat) => results.bytes(stat).readBigUInt64LE(STX_MNT_ID));
}

/**
 * How many of a list of mounts are done, from the first on: all, or those before the one that failed. For a mount in one
 * of the `empty` directories its own directory is made.
 */
function mountBatch(context: BuildContext, plans: readonly MountPlan[], empty: ReadonlySet<string>): number {
  if (plans.length === 0) return 0;
  const { init, root } = context;
  const program = init.program();
  const steps = plans.map((plan) => {
    program.property = plan.property;
    if (plan.kind === 'directory' && empty.has(posix.dirname(posix.normalize(plan.destination))))
      addDirectory(program, root, plan.destination);
    const { target, mount, look } = openMount(program, root, plan, RESOLVE_NO_SYMLINKS);
    attachMount(program, plan, mount, target);
    return { plan, mount, look, end: program.length };
  });
  let done = steps.length;
  let results: Results;
  try {
    results = init.run(program);
  } catch (error) {
    if (!(error instanceof OperationError) || error.executed < 0) throw error;
    const { executed } = error;
    results = error.results;
    done = steps.findIndex(({ end }) => end > executed);
  }
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
  let opened: OpenMount & { results: Results };
  try {
    opened = open(context, plan);
  } catch (error) {
    if (!(error instanceof OperationError) || error.executed !== 0 || error.errno !== ENOENT) throw error;
    makeTarget(context, plan.destination, plan.kind);
    opened = open(context, plan);
  }
  const { target, mount, results, look } = opened;
  refuseOnProc(plan, look, results);
  plan.fill?.(target, mount);
  const program = context.init.program();
  attachMount(program, plan, mount, target);
  try {
    context.init.run(program);
  } catch (error) {
    throw explainAttach(context, plan, error);
  }
  rememberReadonly(context, plan, mount);
}

function rememberReadonly({ readonlyLater }: BuildContext, plan: MountPlan, mount: number): void {
  if (!isReadonlyLater(plan)) return;
  const doing = `make ${plan.destination} read-only`;
  readonlyLater.push({ mount, doing, property: plan.property });
}

/** move_mount(2) has the same EINVAL for much: whether a directory and a file meet is seen by the target. */
function explainAttach(context: RootContext, plan: MountPlan, error: unknown): unknown {
  const { kind, destination, from } = plan;
  if (!(error instanceof OperationError) || error.operation.call !== 'move_mount') return error;
  const there = targetKind(context, destination);
  if (there === undefined || there === kind) return error;
  const what = 'type' in from ? `a ${from.type}` : 'the source';
  const hint = `${what} is a ${kind}, and what is at the destination a ${there}`;
  return new TsociError(`${error.message}; ${hint}`, { errno: error.errno });
}

interface OpenMount {
  target: number;
  /** The detached mount. */
  mount: number;
  look: ProcLook;
  /** The context of a new filesystem, for its log. */
  filesystem: number | undefined;
}

/** Opens the target, then makes the detached mount. The first operation tells whether the target exists. */
function openMount(program: Program, root: number, plan: MountPlan, resolve: number): OpenMount {
  const doing = describe(plan);
  const target = program.open('openat2', openInRootArguments(root, plan.destination, O_PATH, resolve), doing);
  const { filesystem, mount } = makeMount(program, plan, doing);
  const fds = { root, target, mount };
  const look = lookForProc(program, plan, fds, { links: resolve !== RESOLVE_NO_SYMLINKS });
  return { target, mount, filesystem, look };
}

function makeMount(
  program: Program,
  plan: MountPlan,
  doing: string,
): Pick<OpenMount, 'filesystem' | 'mount'> {
  const { from, options } = plan;
  if ('type' in from) return newFilesystem(program, from, plan, doing);
  const mount = 'tree' in from ? from.tree : cloneTree(program, from.source, options, doing);
  bindAttributes(program, mount, plan, doing);
  return { mount, filesystem: undefined };
}

/** Attaches it where its target is, and lets go of both. */
function attachMount(program: Program, plan: MountPlan, mount: number, target: number): void {
  attach(program, mount, target, describe(plan));
  setPropagation(program, mount, plan.destination, plan.options);
  if (!isReadonlyLater(plan)) program.close(mount);
  program.close(target);
}

function open({ init, root }: RootContext, plan: MountPlan): OpenMount & { results: Results } {
  const program = init.program();
  // Where proc and sysfs are is what masks and checks go by: no link decides that (CVE-2023-27561, CVE-2023-28642).
  const resolve = 'type' in plan.from && unlinked.has(plan.from.type) ? RESOLVE_NO_SYMLINKS : 0;
  const opened = openMount(program, root, plan, resolve);
  const { filesystem } = opened;
  try {
    return { ...opened, results: init.run(program) };
  } catch (refusal) {
    const error = explainBind(plan, refusal);
    if (error === refusal && filesystem !== undefined && 'type' in plan.from)
      throw explainRefusal(plan.from.type, explain(init, filesystem, error));
    throw error;
  }
}

/** Changes the mount that is at the destination and, with `remount`, its superblock unless it is a bind mount. */
function remount({ init, root }: RootContext, { destination, options, from }: MountPlan): void {
  const doing = `remount ${destination}`;
  const program = init.program();
  const target = program.open('openat2', openInRootArguments(root, destination, O_PATH), doing);
  changeAttributes(program, target, options.attributes, 0, doing);
  changeAttributes(program, target, options.recursiveAttributes, AT_RECURSIVE, doing);
  setPropagation(program, target, destination, options);
  const type = 'type' in from ? from.type : '';
  const changes = options.bind === 'no' ? settings(type, options) : [];
  if (changes.length > 0) {
    const filesystem = program.open('fspick', [target, '', FSPICK_CLOEXEC | FSPICK_EMPTY_PATH], doing);
    for (const [key, value] of changes) setOption(program, filesystem, key, value, doing);
    program.call('fsconfig', [filesystem, FSCONFIG_CMD_RECONFIGURE, 0, 0, 0], doing);
    program.close(filesystem);
  }
  program.close(target);
  try {
    init.run(program);
  } catch (error) {
    const notMounted = error instanceof OperationError && error.operation.call === 'mount_setattr';
    if (!notMounted || error.errno !== EINVAL) throw error;
    throw new TsociError(`${error.message}; is anything mounted there?`, { errno: EINVAL });
  }
}

function setPropagation(
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
