// A new instance of a filesystem, through the mount API: its options, and its own words about a refusal.

import { keyAndValue, type MountOptions } from '../config/mount-options.ts';
import {
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_IDMAP,
  MOUNT_ATTR_RDONLY,
} from '../linux/constants.ts';
import { TsociError } from '../linux/errors.ts';
import { labelRoot, unquoteLabel } from '../security/lsm.ts';
import { type Program, withProperty } from '../stub/program.ts';
import { OperationError } from '../stub/results.ts';
import { changeAttributes, type RootContext, setAttributes } from './context.ts';
import { mappingIds } from './idmap-refusal.ts';
import { isForMount, isLongPath, mountAtOnce, setLongPath } from './long-options.ts';
import { attributesOf, describe, type MountPlan } from './mount-plan.ts';
import { isInMemory, optionsOfCovered } from './tmpfs.ts';

export interface NewFilesystem {
  type: string;
  device: string | undefined;
}

/** Where a mount goes. */
export interface Place {
  /** Descriptors. */
  root: number;
  target: number;
  /** A struct statx of the target, if the mount goes by that. */
  covered: Buffer | undefined;
  /** Whether users are those of a user namespace. */
  ownUsers: boolean;
}

/** Kernel filesystems have no use for a read-only superblock, and share one between mounts: ro is of the mount. */
const pseudo = new Set(['proc', 'sysfs', 'cgroup2', 'mqueue', 'devpts', 'tmpfs', 'ramfs', 'overlay']);

/** Filesystems that can be told about access control lists; elsewhere acl and noacl name what is so anyway. */
const aclFilesystems = new Set(['ext2', 'ext3', 'ext4', 'btrfs', 'f2fs', 'nfs', 'ceph', 'gfs2', 'ocfs2']);

/** A detached mount of a new filesystem. `filesystem` is its context, for its log. */
export function newFilesystem(
  program: Program,
  place: Place,
  from: NewFilesystem,
  plan: MountPlan,
): { filesystem?: number; mount: number } {
  const { options, idmapNamespace } = plan;
  const doing = describe(plan);
  const asked = [...settings(from.type, options), ...optionsOfCovered(options, place)];
  const made = isForMount(from.type, { ...options, data: [...options.data, ...contextOption(plan)] })
    ? mountByOptions(program, place, from, plan, asked)
    : mountByContext(program, from, plan, asked);
  const { label } = plan;
  if (label && 'root' in label)
    withProperty(program, 'linux.mountLabel', () => labelRoot(program, made.mount, label.root, doing));
  if (idmapNamespace !== undefined) {
    const attributes = { set: MOUNT_ATTR_IDMAP, usernsFd: idmapNamespace };
    setAttributes(program, made.mount, attributes, 0, mappingIds(doing));
  }
  return made;
}

/** fsopen(2), fsconfig(2) for each option, fsmount(2). */
function mountByContext(
  program: Program,
  { type, device }: NewFilesystem,
  plan: MountPlan,
  asked: readonly string[],
): { filesystem: number; mount: number } {
  const { options } = plan;
  const doing = describe(plan);
  const filesystem = program.open('fsopen', [type, FSOPEN_CLOEXEC], doing);
  if (device) program.call('fsconfig', [filesystem, FSCONFIG_SET_STRING, 'source', device, 0], doing);
  for (const option of asked) {
    if (isLongPath(type, option)) setLongPath(program, filesystem, option, doing);
    else setOption(program, filesystem, option, doing);
  }
  for (const option of contextOption(plan))
    withProperty(program, 'linux.mountLabel', () => setOption(program, filesystem, option, doing));
  program.call('fsconfig', [filesystem, FSCONFIG_CMD_CREATE, 0, 0, 0], doing);
  const mount = program.open('fsmount', [filesystem, FSMOUNT_CLOEXEC, firstAttributes(type, options)], doing);
  program.close(filesystem);
  return { filesystem, mount };
}

/** mount(2). */
function mountByOptions(
  program: Program,
  place: Place,
  from: NewFilesystem,
  plan: MountPlan,
  asked: readonly string[],
): { mount: number } {
  const { options } = plan;
  const mount = mountAtOnce(program, place, plan, from, [...asked, ...contextOption(plan)]);
  const { clear } = options.attributes;
  const attributes = { set: firstAttributes(from.type, options), clear: clear & MOUNT_ATTR__ATIME };
  changeAttributes(program, mount, attributes, 0, describe(plan));
  return { mount };
}

/** linux.mountLabel as an option of the filesystem, or nothing. */
function contextOption({ label }: MountPlan): string[] {
  return label && 'context' in label ? [`context=${label.context}`] : [];
}

/** What a mount has before all is made in it. */
function firstAttributes(type: string, options: MountOptions): number {
  return attributesOf(options) & (isInMemory(type) ? ~MOUNT_ATTR_RDONLY : ~0);
}

/** The options of a filesystem, as fsconfig(2) calls them. */
export function settings(type: string, options: MountOptions): string[] {
  const flags = [...options.superblock];
  if (options.attributes.set & MOUNT_ATTR_RDONLY && !pseudo.has(type)) flags.push('ro');
  const acl = options.acl !== undefined && aclFilesystems.has(type) ? [options.acl] : [];
  return [...flags, ...options.data, ...acl];
}

export function setOption(program: Program, fs: number, option: string, doing: string): void {
  const [key, value] = keyAndValue(unquoteLabel(option));
  const what = `${doing}: option ${option}`;
  if (value === undefined) program.call('fsconfig', [fs, FSCONFIG_SET_FLAG, key, 0, 0], what);
  else program.call('fsconfig', [fs, FSCONFIG_SET_STRING, key, value, 0], what);
}

/** The filesystem's own words about a failure, read from its context (fsopen(2)). */
export function explain(init: RootContext['init'], filesystem: number, error: unknown): unknown {
  if (!(error instanceof OperationError) || error.operation.call !== 'fsconfig') return error;
  const text = Buffer.alloc(512);
  const program = init.program();
  const length = program.call('read', [filesystem, text, text.length], 'read the log of a mount');
  try {
    const results = init.run(program);
    // "e tmpfs: Unknown parameter 'foo'": a level, then the message.
    const message = results.bytes(text).subarray(2, results.at(length)).toString().trim();
    const { errno, property, step } = error;
    const explained = new TsociError(`${error.message}: ${message}`, { errno, property, step, cause: error });
    return /Invalid [ug]id/.test(message)
      ? explained.hinted('is it an id of the user namespace?')
      : explained;
  } catch {
    return error;
  }
}
