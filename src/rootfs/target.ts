// Mount targets and other paths inside the root filesystem, made where they are missing.

import { posix } from 'node:path';
import { O_DIRECTORY, O_PATH, S_IFREG } from '../linux/constants.ts';
import { EEXIST, ENOENT, ENOTDIR } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import type { Program } from '../stub/program.ts';
import { openInRootArguments, type RootContext } from './context.ts';

export type TargetKind = 'directory' | 'file';

/** The same limit on symlinks as the kernel's (path_resolution(7)). */
const MAX_LINKS = 40;
const PATH_MAX = 4096;

/** Makes a mount target that does not exist: directories 0755, a file 0644. */
export function makeTarget(context: RootContext, path: string, kind: TargetKind): void {
  if (kind === 'directory') return makeDirectories(context, path);
  makeDirectories(context, posix.dirname(path));
  inDirectory(context, posix.dirname(path), (program, directory) => {
    const args = [directory, posix.basename(path), S_IFREG | 0o644, 0];
    program.call('mknodat', args, `create ${path} in the root filesystem`, { ignored: [EEXIST] });
  });
}

/** mkdir -p inside the root filesystem. A dangling symlink on the way is made to lead somewhere. */
export function makeDirectories(context: RootContext, path: string, links = 0): void {
  const parts = posix.normalize(`/${path}`).split('/').filter(Boolean);
  // The longest prefix that exists, from the end: usually only the last part is missing.
  let existing = parts.length;
  while (existing > 0 && !exists(context, parts.slice(0, existing).join('/'))) existing--;
  for (let count = existing + 1; count <= parts.length; count++) {
    const prefix = parts.slice(0, count).join('/');
    if (makeDirectory(context, prefix) || exists(context, prefix)) continue;
    const link = readLink(context, prefix);
    if (links >= MAX_LINKS) throw new TsociError(`create /${path} in the root filesystem: too many symlinks`);
    const target = posix.resolve('/', posix.dirname(prefix), link);
    makeDirectories(context, target, links + 1);
  }
}

/** What is at a path of the root filesystem; undefined if that cannot be found out. */
export function targetKind({ init, root }: RootContext, path: string): TargetKind | undefined {
  const program = init.program();
  const args = openInRootArguments(root, path, O_PATH | O_DIRECTORY);
  program.close(program.open('openat2', args, `open ${path} in the root filesystem`));
  try {
    init.run(program);
    return 'directory';
  } catch (error) {
    return errnoOf(error) === ENOTDIR ? 'file' : undefined;
  }
}

/** Runs a program with a descriptor of an existing directory of the root filesystem. */
export function inDirectory(
  { init, root }: RootContext,
  path: string,
  build: (program: ReturnType<RootContext['init']['program']>, directory: number) => void,
): ReturnType<RootContext['init']['run']> {
  const program = init.program();
  const directory = program.open(
    'openat2',
    openInRootArguments(root, path),
    `open ${path} in the root filesystem`,
  );
  build(program, directory);
  program.close(directory);
  return init.run(program);
}

function exists({ init, root }: RootContext, path: string): boolean {
  const program = init.program();
  const fd = program.open(
    'openat2',
    openInRootArguments(root, path, O_PATH),
    `open /${path} in the root filesystem`,
  );
  program.close(fd);
  try {
    init.run(program);
    return true;
  } catch (error) {
    if (errnoOf(error) === ENOENT) return false;
    throw error;
  }
}

/** Adds what makes a directory, unless something of that name is there, in one that is there. */
export function addDirectory(program: Program, root: number, path: string): number {
  const above = posix.dirname(posix.normalize(`/${path}`));
  const opened = `open ${above} in the root filesystem`;
  const directory = program.open('openat2', openInRootArguments(root, above), opened);
  const made = `create directory ${posix.normalize(`/${path}`)} in the root filesystem`;
  const args = [directory, posix.basename(path), 0o755];
  const index = program.call('mkdirat', args, made, { ignored: [EEXIST] });
  program.close(directory);
  return index;
}

/** Whether it was made; false if something of that name is there. */
function makeDirectory({ init, root }: RootContext, path: string): boolean {
  const program = init.program();
  const made = addDirectory(program, root, path);
  return init.run(program).at(made) === 0;
}

function readLink(context: RootContext, path: string): string {
  const text = Buffer.alloc(PATH_MAX);
  let length = -1;
  const results = inDirectory(context, posix.dirname(`/${path}`), (program, directory) => {
    const args = [directory, posix.basename(path), text, text.length];
    length = program.call('readlinkat', args, `read the link /${path} in the root filesystem`);
  });
  return results.bytes(text).subarray(0, results.at(length)).toString();
}
