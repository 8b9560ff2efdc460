// One entry of config.md#mounts, mounted through the mount API by descriptor.

import { posix } from 'node:path';
import {
  AT_FDCWD,
  AT_RECURSIVE,
  FSCONFIG_CMD_RECONFIGURE,
  FSPICK_CLOEXEC,
  FSPICK_EMPTY_PATH,
  MOUNT_ATTR_IDMAP,
  O_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  PROC_SUPER_MAGIC,
  RESOLVE_NO_SYMLINKS,
} from '../linux/constants.ts';
import { EINVAL, ENOENT, EPERM } from '../linux/errno.ts';
import { TsociError } from '../linux/errors.ts';
import { type Program, withProperty } from '../stub/program.ts';
import { OperationError, type Results } from '../stub/results.ts';
import { attach, openInRootArguments, type RootContext, setAttributes } from './context.ts';
import { explain, newFilesystem, setOption, settings } from './filesystem.ts';
import { explainIdmap, mappingIds } from './idmap-refusal.ts';
import type { AttributeChange, MountOptions } from './mount-options.ts';
import type { MountPlan } from './mount-plan.ts';
import { explainRefusal } from './mount-refusal.ts';
import { addDirectory, makeTarget, targetKind } from './target.ts';

/** Filesystems whose destination must not lead through a symlink. */
const unlinked = new Set(['proc', 'sysfs']);

/**
 * What may be mounted on procfs: nothing that a process or a security module trusts (CVE-2019-16884,
 * CVE-2023-27561). These are what lxcfs and engines overlay.
 */
const allowedOnProc = new Set(
  [
    ...['cpuinfo', 'diskstats', 'meminfo', 'stat', 'swaps', 'uptime', 'loadavg', 'slabinfo', 'net/dev'],
    ...['sys/kernel/ns_last_pid', 'sys/crypto/fips_enabled'],
  ].map((name) => `/proc/${name}`),
);

/** How many mounts go into one program at most, which must fit into the stub's buffer. */
const BATCH = 32;

/** Mounts one after another; in one program for as long as all goes well. */
export function mountAll(context: RootContext, plans: readonly MountPlan[]): void {
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
}

/**
 * How many of a list of mounts are done, from the first on: all, or those before the one that failed. For a mount in one
 * of the `empty` directories its own directory is made.
 */
function mountBatch(
  { init, root }: RootContext,
  plans: readonly MountPlan[],
  empty: ReadonlySet<string>,
): number {
  if (plans.length === 0) return 0;
  const program = init.program();
  const steps = plans.map((plan) => {
    program.property = plan.property;
    if (plan.kind === 'directory' && empty.has(posix.dirname(posix.normalize(plan.destination))))
      addDirectory(program, root, plan.destination);
    const { target, mount, magic } = openMount(program, root, plan);
    attachMount(program, plan, mount, target);
    return { plan, magic, end: program.length };
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
  // Only now is it known what the targets were. A mount that may not be there is refused, and init ends with it.
  for (const { plan, magic } of steps.slice(0, done)) refuseProc(plan, results.bytes(magic));
  return done;
}

function performMount(context: RootContext, plan: MountPlan): void {
  if (plan.options.remount) return remount(context, plan);
  let opened: { target: number; mount: number; results: Results; magic: Uint8Array };
  try {
    opened = open(context, plan);
  } catch (error) {
    if (!(error instanceof OperationError) || error.executed !== 0 || error.errno !== ENOENT) throw error;
    makeTarget(context, plan.destination, plan.kind);
    opened = open(context, plan);
  }
  const { target, mount, results, magic } = opened;
  refuseProc(plan, results.bytes(magic));
  plan.fill?.(target, mount);
  const program = context.init.program();
  if (plan.fill) setChange(program, mount, plan.options.attributes, 0, describe(plan));
  attachMount(program, plan, mount, target);
  try {
    context.init.run(program);
  } catch (error) {
    throw explainAttach(context, plan, error);
  }
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
  /** Where the stub puts a struct statfs of the target. */
  magic: Uint8Array;
  /** The context of a new filesystem, for its log. */
  filesystem: number | undefined;
}

/** Opens the target, then makes the detached mount. The first operation tells whether the target exists. */
function openMount(program: Program, root: number, plan: MountPlan): OpenMount {
  const doing = describe(plan);
  // Where proc and sysfs are is what masks and checks go by: no link decides that (CVE-2023-27561, CVE-2023-28642).
  const resolve = 'type' in plan.from && unlinked.has(plan.from.type) ? RESOLVE_NO_SYMLINKS : 0;
  const target = program.open('openat2', openInRootArguments(root, plan.destination, O_PATH, resolve), doing);
  // struct statfs: f_type comes first; 120 bytes on x86-64 and arm64.
  const magic = Buffer.alloc(120);
  program.call('fstatfs', [target, magic], doing);
  if ('type' in plan.from) {
    return { target, magic, ...newFilesystem(program, plan.from, plan, doing) };
  }
  const mount =
    'tree' in plan.from ? plan.from.tree : cloneTree(program, plan.from.source, plan.options, doing);
  bindAttributes(program, mount, plan, doing);
  return { target, magic, mount, filesystem: undefined };
}

/** Attaches it where its target is, and lets go of both. */
function attachMount(program: Program, plan: MountPlan, mount: number, target: number): void {
  attach(program, mount, target, describe(plan));
  for (const { type, recursive } of plan.options.propagation) {
    const doing = `set propagation of ${plan.destination}`;
    setAttributes(program, mount, { propagation: type }, recursive ? AT_RECURSIVE : 0, doing);
  }
  program.close(mount);
  program.close(target);
}

function open({ init, root }: RootContext, plan: MountPlan): OpenMount & { results: Results } {
  const program = init.program();
  const opened = openMount(program, root, plan);
  const { filesystem, mount, target, magic } = opened;
  try {
    return { ...opened, results: init.run(program) };
  } catch (refusal) {
    const error = explainIdmap(plan, describe(plan), refusal);
    if (error === refusal && filesystem !== undefined && 'type' in plan.from)
      throw explainRefusal(plan.from.type, explain(init, filesystem, error));
    // In a user namespace the flags of a mount of the host are locked: "rw" cannot clear them.
    if (
      !(error instanceof OperationError) ||
      error.operation.call !== 'mount_setattr' ||
      error.errno !== EPERM
    )
      throw error;
    const retry = init.program();
    const doing = describe(plan);
    bindAttributes(retry, mount, { ...plan, options: withoutClearing(plan.options) }, doing);
    retry.call('fstatfs', [target, magic], doing);
    return { ...opened, results: init.run(retry) };
  }
}

/** open_tree(2): a detached copy of the mount at a path of the runtime's mount namespace. */
export function cloneTree(program: Program, source: string, options: MountOptions, doing: string): number {
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (options.bind === 'recursive' ? AT_RECURSIVE : 0);
  return program.open('open_tree', [AT_FDCWD, source, flags], doing);
}

/** Attributes of a detached tree: ids mapped, then flags. */
export function bindAttributes(program: Program, mount: number, plan: MountPlan, doing: string): void {
  const { options } = plan;
  if (plan.idmapNamespace !== undefined) {
    const attributes = { set: MOUNT_ATTR_IDMAP, usernsFd: plan.idmapNamespace };
    const flags = options.idmap === 'recursive' ? AT_RECURSIVE : 0;
    setAttributes(program, mount, attributes, flags, mappingIds(doing));
  }
  setChange(program, mount, options.attributes, 0, doing);
  setChange(program, mount, options.recursiveAttributes, AT_RECURSIVE, doing);
}

function setChange(
  program: Program,
  mount: number,
  change: AttributeChange,
  flags: number,
  doing: string,
): void {
  if (change.set !== 0 || change.clear !== 0) setAttributes(program, mount, change, flags, doing);
}

function withoutClearing(options: MountOptions): MountOptions {
  return {
    ...options,
    attributes: { set: options.attributes.set, clear: 0 },
    recursiveAttributes: { set: options.recursiveAttributes.set, clear: 0 },
  };
}

/** `remount`: changes the mount that is at the destination, and its superblock unless it is a bind mount. */
function remount({ init, root }: RootContext, plan: MountPlan): void {
  const doing = `remount ${plan.destination}`;
  const program = init.program();
  const target = program.open('openat2', openInRootArguments(root, plan.destination, O_PATH), doing);
  setChange(program, target, plan.options.attributes, 0, doing);
  setChange(program, target, plan.options.recursiveAttributes, AT_RECURSIVE, doing);
  const type = 'type' in plan.from ? plan.from.type : '';
  const changes = plan.options.bind === 'no' ? settings(type, plan.options) : [];
  if (changes.length > 0) {
    const filesystem = program.open('fspick', [target, '', FSPICK_CLOEXEC | FSPICK_EMPTY_PATH], doing);
    for (const [key, value] of changes) setOption(program, filesystem, key, value, doing);
    program.call('fsconfig', [filesystem, FSCONFIG_CMD_RECONFIGURE, 0, 0, 0], doing);
    program.close(filesystem);
  }
  program.close(target);
  init.run(program);
}

function refuseProc(plan: MountPlan, statfs: Buffer): void {
  if (Number(statfs.readBigInt64LE(0)) !== PROC_SUPER_MAGIC) return;
  if (allowedOnProc.has(plan.destination)) return;
  if (plan.destination === '/proc' && 'type' in plan.from && plan.from.type === 'proc') return;
  throw new TsociError(`${describe(plan)}: a mount on procfs could deceive security modules`, {
    errno: EINVAL,
  });
}

export function describe({ destination, from }: MountPlan): string {
  if ('type' in from) return `mount ${from.type} on ${destination}`;
  return 'source' in from ? `bind ${from.source} on ${destination}` : `bind on ${destination}`;
}
