// A new instance of a filesystem, through the mount API: its options, and its own words about a refusal.

import { keyAndValue, type MountOptions } from '../config/mount-options.ts';
import {
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  MOUNT_ATTR_IDMAP,
  MOUNT_ATTR_RDONLY,
} from '../linux/constants.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import type { Program } from '../stub/program.ts';
import { OperationError } from '../stub/results.ts';
import { type RootContext, setAttributes } from './context.ts';
import { mappingIds } from './idmap-refusal.ts';
import { attributesOf, describe, type MountPlan } from './mount-plan.ts';
import { isInMemory, likeCovered } from './tmpfs.ts';

/** Kernel filesystems have no use for a read-only superblock, and share one between mounts: ro is of the mount. */
const pseudo = new Set(['proc', 'sysfs', 'cgroup2', 'mqueue', 'devpts', 'tmpfs', 'ramfs', 'overlay']);

/** Filesystems that can be told about access control lists; elsewhere acl and noacl name what is so anyway. */
const aclFilesystems = new Set(['ext2', 'ext3', 'ext4', 'btrfs', 'f2fs', 'nfs', 'ceph', 'gfs2', 'ocfs2']);

/** fsopen(2), fsconfig(2) for each option, fsmount(2). `covered` is a struct statx of the target, if it was there. */
export function newFilesystem(
  program: Program,
  { type, device }: { type: string; device: string | undefined },
  plan: MountPlan,
  covered: Buffer | undefined,
): { filesystem: number; mount: number } {
  const { options, idmapNamespace } = plan;
  const doing = describe(plan);
  const filesystem = program.open('fsopen', [type, FSOPEN_CLOEXEC], doing);
  if (device) program.call('fsconfig', [filesystem, FSCONFIG_SET_STRING, 'source', device, 0], doing);
  for (const [key, value] of settings(type, options)) setOption(program, filesystem, key, value, doing);
  if (covered) likeCovered(program, filesystem, plan, covered, doing);
  program.call('fsconfig', [filesystem, FSCONFIG_CMD_CREATE, 0, 0, 0], doing);
  const attributes = attributesOf(options) & (isInMemory(type) ? ~MOUNT_ATTR_RDONLY : ~0);
  const mount = program.open('fsmount', [filesystem, FSMOUNT_CLOEXEC, attributes], doing);
  program.close(filesystem);
  if (idmapNamespace !== undefined) {
    const attributes = { set: MOUNT_ATTR_IDMAP, usernsFd: idmapNamespace };
    setAttributes(program, mount, attributes, 0, mappingIds(doing));
  }
  return { filesystem, mount };
}

export function settings(type: string, options: MountOptions): [key: string, value: string | undefined][] {
  const flags = [...options.superblock];
  if (options.attributes.set & MOUNT_ATTR_RDONLY && !pseudo.has(type)) flags.push('ro');
  const acl = options.acl !== undefined && aclFilesystems.has(type) ? [options.acl] : [];
  return [...flags, ...options.data, ...acl].map(keyAndValue);
}

export function setOption(
  program: Program,
  fs: number,
  key: string,
  value: string | undefined,
  doing: string,
): void {
  const option = value === undefined ? key : `${key}=${value}`;
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
    const hint = /Invalid [ug]id/.test(message) ? '; is it an id of the user namespace?' : '';
    return new TsociError(`${error.message}: ${message}${hint}`, { errno: errnoOf(error) });
  } catch {
    return error;
  }
}
