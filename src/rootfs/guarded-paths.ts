// config-linux.md#masked-paths and #readonly-paths, done after pivot_root.

import {
  AT_EMPTY_PATH,
  AT_RECURSIVE,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  MOUNT_ATTR_RDONLY,
  O_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  S_IFDIR,
  STATX_TYPE,
} from '../linux/constants.ts';
import { EACCES, ENOENT, ENOTDIR } from '../linux/errno.ts';
import { fileTypeOf, STATX_SIZE } from '../linux/statx.ts';
import type { Program } from '../stub/program.ts';
import { attach, openInRootArguments, type RootContext, setAttributes } from './context.ts';

/** Paths that are not there need no protection. */
const absent = [ENOENT, ENOTDIR, EACCES];

/** linux.maskedPaths, linux.readonlyPaths, and linux.mountLabel for what masks a directory. */
export interface GuardedPaths {
  maskedPaths?: readonly string[] | undefined;
  readonlyPaths?: readonly string[] | undefined;
  mountLabel?: string | undefined;
}

/**
 * `devNull` is a descriptor in init of the host's /dev/null: what the image has in its place must not become the mask
 * (CVE-2025-31133).
 */
export function guardPaths(
  context: RootContext,
  { readonlyPaths = [], maskedPaths = [], mountLabel }: GuardedPaths,
  devNull: number,
): void {
  const { init } = context;
  const readonly = openPaths(context, readonlyPaths, 'linux.readonlyPaths');
  const protecting = init.program();
  // The deepest first: what is bound recursively after it has it.
  for (const entry of readonly.sort((a, b) => b.path.length - a.path.length)) protect(protecting, entry);
  init.later(protecting);
  // Opened only now: what lies in a read-only path must be masked in what was bound there, not below it.
  const masked = openPaths(context, maskedPaths, 'linux.maskedPaths');
  if (masked.length === 0) return;
  const program = init.program();
  const stats = masked.map(({ path, fd, property }) => {
    const stat = Buffer.alloc(STATX_SIZE);
    program.property = property;
    program.call('statx', [fd, '', AT_EMPTY_PATH, STATX_TYPE, stat], `inspect ${path}`);
    return stat;
  });
  const inspected = init.run(program);
  const directories = stats.map((stat) => fileTypeOf(inspected.bytes(stat)) === S_IFDIR);
  mask(context, masked, directories, { devNull, mountLabel });
}

interface OpenPath {
  path: string;
  /** Its entry of config.json. */
  property: string;
  /** A descriptor in init. */
  fd: number;
}

/** Those that are there. */
function openPaths({ init, root }: RootContext, paths: readonly string[], property: string): OpenPath[] {
  if (paths.length === 0) return [];
  const program = init.program();
  // Engines add their lists together: what is listed twice takes one mount.
  const opened = [...new Set(paths)].map((path) => {
    program.property = `${property}[${paths.indexOf(path)}]`;
    const call = program.tryOpen('openat2', openInRootArguments(root, path, O_PATH), `open ${path}`, absent);
    return { path, property: program.property, call };
  });
  const results = init.run(program);
  return opened.map(({ call, ...entry }) => ({ ...entry, fd: results.at(call) })).filter(({ fd }) => fd >= 0);
}

/** Binds a path onto itself, read-only. */
function protect(program: Program, { path, fd, property }: OpenPath): void {
  const doing = `make ${path} read-only`;
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE;
  program.property = property;
  const tree = program.open('open_tree', [fd, '', flags], doing);
  setAttributes(program, tree, { set: MOUNT_ATTR_RDONLY }, 0, doing);
  attach(program, tree, fd, doing);
  program.close(tree);
  program.close(fd);
}

/** Puts an empty read-only directory over directories and /dev/null over files. */
function mask(
  { init }: RootContext,
  paths: readonly OpenPath[],
  directories: readonly boolean[],
  { devNull, mountLabel }: { devNull: number; mountLabel: string | undefined },
): void {
  const program = init.program();
  const empty = directories.includes(true) ? emptyDirectory(program, mountLabel) : devNull;
  // One superblock serves all: a clone is cheaper than a new tmpfs. Before Linux 6.15 only what is attached can be
  // cloned: the mask itself goes to the first path.
  const attached = new Set<number>();
  for (const [i, { path, fd, property }] of paths.entries()) {
    const doing = `mask ${path}`;
    const mask = directories[i] ? empty : devNull;
    program.property = property;
    if (attached.has(mask)) {
      const args = [mask, '', OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH];
      const clone = program.open('open_tree', args, doing);
      attach(program, clone, fd, doing);
      program.close(clone);
    } else attach(program, mask, fd, doing);
    attached.add(mask);
    program.close(fd);
  }
  program.property = 'linux.maskedPaths';
  if (empty !== devNull) program.close(empty);
  init.later(program);
}

/** A detached mount of a tmpfs that nothing can be put in. */
function emptyDirectory(program: Program, mountLabel: string | undefined): number {
  const doing = 'make an empty directory for maskedPaths';
  program.property = 'linux.maskedPaths';
  const filesystem = program.open('fsopen', ['tmpfs', FSOPEN_CLOEXEC], doing);
  const set = (key: string, value: string) =>
    program.call('fsconfig', [filesystem, FSCONFIG_SET_STRING, key, value, 0], `${doing}: set its ${key}`);
  set('size', '0');
  set('mode', '755');
  if (mountLabel) {
    program.property = 'linux.mountLabel';
    set('context', mountLabel);
    program.property = 'linux.maskedPaths';
  }
  program.call('fsconfig', [filesystem, FSCONFIG_CMD_CREATE, 0, 0, 0], doing);
  const mount = program.open('fsmount', [filesystem, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY], doing);
  program.close(filesystem);
  return mount;
}
