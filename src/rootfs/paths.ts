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
  S_IFMT,
  STATX_TYPE,
} from '../linux/constants.ts';
import { EACCES, ENOENT, ENOTDIR } from '../linux/errno.ts';
import { attach, openInRootArguments, type RootContext, setAttributes } from './context.ts';

interface OpenPath {
  path: string;
  /** Its entry of config.json. */
  property: string;
  fd: number;
  directory: boolean;
}

/** Paths that are not there need no protection. */
const absent = [ENOENT, ENOTDIR, EACCES];

/**
 * Puts an empty read-only directory over directories and /dev/null over files. `devNull` is a descriptor in init of
 * the host's /dev/null: what the image has in its place must not become the mask (CVE-2025-31133).
 */
export function maskPaths(context: RootContext, paths: readonly string[], devNull: number): void {
  const found = openPaths(context, paths, 'linux.maskedPaths');
  if (found.length === 0) return;
  const { init } = context;
  const program = init.program();
  program.because = 'linux.maskedPaths';
  let empty: number | undefined;
  if (found.some(({ directory }) => directory)) {
    const filesystem = program.open(
      'fsopen',
      ['tmpfs', FSOPEN_CLOEXEC],
      'make an empty directory for maskedPaths',
    );
    program.call('fsconfig', [filesystem, FSCONFIG_SET_STRING, 'size', '0', 0], 'set the size of a tmpfs');
    program.call('fsconfig', [filesystem, FSCONFIG_SET_STRING, 'mode', '755', 0], 'set the mode of a tmpfs');
    program.call(
      'fsconfig',
      [filesystem, FSCONFIG_CMD_CREATE, 0, 0, 0],
      'make an empty directory for maskedPaths',
    );
    const args = [filesystem, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY];
    empty = program.open('fsmount', args, 'mount an empty directory for maskedPaths');
    program.close(filesystem);
  }
  // One superblock serves all: a clone is cheaper than a new tmpfs. Before Linux 6.15 only what is attached can be
  // cloned: the mask itself goes to the first path.
  const attached = new Set<number>();
  for (const { path, property, fd, directory } of found) {
    program.because = property;
    const doing = `mask ${path}`;
    const mask = directory && empty !== undefined ? empty : devNull;
    if (attached.has(mask)) {
      const args = [mask, '', OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH];
      const clone = program.open('open_tree', args, doing);
      attach(program, clone, fd, doing);
      program.close(clone);
    } else attach(program, mask, fd, doing);
    attached.add(mask);
    program.close(fd);
  }
  program.because = 'linux.maskedPaths';
  if (empty !== undefined) program.close(empty);
  init.run(program);
}

/** Binds each path onto itself, read-only. */
export function protectPaths(context: RootContext, paths: readonly string[]): void {
  const found = openPaths(context, paths, 'linux.readonlyPaths');
  const program = context.init.program();
  for (const { path, property, fd } of found) {
    program.because = property;
    const doing = `make ${path} read-only`;
    const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE;
    const tree = program.open('open_tree', [fd, '', flags], doing);
    setAttributes(program, tree, { set: MOUNT_ATTR_RDONLY }, 0, doing);
    attach(program, tree, fd, doing);
    program.close(tree);
    program.close(fd);
  }
  if (program.length > 0) context.init.run(program);
}

function openPaths({ init, root }: RootContext, paths: readonly string[], property: string): OpenPath[] {
  const opening = init.program();
  const opened = paths.map((path, i) => {
    opening.because = `${property}[${i}]`;
    return opening.tryOpen('openat2', openInRootArguments(root, path, O_PATH), `open ${path}`, absent);
  });
  if (opened.length === 0) return [];
  const results = init.run(opening);
  const found = paths.flatMap((path, i) => {
    const fd = results.at(opened[i] ?? -1);
    return fd < 0 ? [] : [{ path, property: `${property}[${i}]`, fd, stat: Buffer.alloc(256) }];
  });
  if (found.length === 0) return [];
  const inspecting = init.program();
  for (const { path, property, fd, stat } of found) {
    inspecting.because = property;
    inspecting.call('statx', [fd, '', AT_EMPTY_PATH, STATX_TYPE, stat], `inspect ${path}`);
  }
  const inspected = init.run(inspecting);
  return found.map(({ path, property, fd, stat }) => {
    const mode = inspected.bytes(stat).readUInt16LE(28);
    return { path, property, fd, directory: (mode & S_IFMT) === S_IFDIR };
  });
}
