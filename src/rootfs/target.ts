// Mount targets and other paths inside the root filesystem, made where they are missing.

import { posix } from 'node:path';
import { O_DIRECTORY, O_PATH, S_IFREG } from '../linux/constants.ts';
import { EEXIST, ELOOP, ENOENT, ENOTDIR } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import type { Program } from '../stub/program.ts';
import type { Results } from '../stub/results.ts';
import { openInRootArguments, type RootContext } from './context.ts';

export type TargetKind = 'directory' | 'file';

/** The same limit on symlinks as the kernel's (path_resolution(7)). */
const MAX_LINKS = 40;
const PATH_MAX = 4096;

/** mkdir -p inside the root filesystem. */
export function makeDirectories(context: RootContext, path: string): void {
  makeTarget(context, path, 'directory');
}

/**
 * Makes a mount target that does not exist, and the directories above it: directories 0755, a file 0644. What a dangling
 * symlink leads to is made in its place, inside the root like all else.
 */
export function makeTarget(context: RootContext, path: string, kind: TargetKind, links = 0): void {
  // `..` is left to the kernel: behind a symlink it does not lead back.
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  const prefix = (count: number) => `/${parts.slice(0, count).join('/')}`;
  // The longest prefix that exists, from the end: usually only the last part is missing.
  let existing = parts.length;
  while (existing > 0 && !exists(context, prefix(existing))) existing--;
  for (let count = existing + 1; count <= parts.length; count++) {
    const made = count < parts.length ? 'directory' : kind;
    if (make(context, prefix(count), made) || exists(context, prefix(count))) continue;
    const doing = `create ${path} in the root filesystem`;
    if (links >= MAX_LINKS) throw TsociError.fromErrno(doing, ELOOP);
    const link = readLink(context, prefix(count));
    const target = link.startsWith('/') ? link : `${prefix(count - 1)}/${link}`;
    makeTarget(context, target, made, links + 1);
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

/** A program with a descriptor of an existing directory of the root filesystem. */
export function programIn(
  { init, root }: RootContext,
  path: string,
  build: (program: Program, directory: number) => void,
): Program {
  const program = init.program();
  const directory = program.open(
    'openat2',
    openInRootArguments(root, path),
    `open ${path} in the root filesystem`,
  );
  build(program, directory);
  program.close(directory);
  return program;
}

/** Runs such a program. */
export function inDirectory(
  context: RootContext,
  path: string,
  build: (program: Program, directory: number) => void,
): Results {
  return context.init.run(programIn(context, path, build));
}

function exists({ init, root }: RootContext, path: string): boolean {
  const program = init.program();
  const fd = program.open(
    'openat2',
    openInRootArguments(root, path, O_PATH),
    `open ${path} in the root filesystem`,
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

/** Adds what makes a target, unless something of that name is there, in a directory that is there. */
export function addTarget(program: Program, root: number, path: string, kind: TargetKind): number {
  const [above, name] = [posix.dirname(path), posix.basename(path)];
  const opened = `open ${above} in the root filesystem`;
  const directory = program.open('openat2', openInRootArguments(root, above), opened);
  const doing = `create ${kind} ${path} in the root filesystem`;
  const made =
    kind === 'directory'
      ? program.call('mkdirat', [directory, name, 0o755], doing, { ignored: [EEXIST] })
      : program.call('mknodat', [directory, name, S_IFREG | 0o644, 0], doing, { ignored: [EEXIST] });
  program.close(directory);
  return made;
}

/** Whether it was made; false if something of that name is there. */
function make({ init, root }: RootContext, path: string, kind: TargetKind): boolean {
  const program = init.program();
  const made = addTarget(program, root, path, kind);
  return init.run(program).at(made) === 0;
}

function readLink(context: RootContext, path: string): string {
  const text = Buffer.alloc(PATH_MAX);
  let length = -1;
  const results = inDirectory(context, posix.dirname(path), (program, directory) => {
    const args = [directory, posix.basename(path), text, text.length];
    length = program.call('readlinkat', args, `read the link ${path} in the root filesystem`);
  });
  return results.bytes(text).subarray(0, results.at(length)).toString();
}
