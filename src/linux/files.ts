// Files made and removed with the kernel's own answer when that fails: Node's rmSync and recursive mkdirSync lose it. And
// files looked for.

import {
  accessSync,
  constants,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { EEXIST, EISDIR, ENOENT, ENOTEMPTY } from './errno.ts';
import { errnoOf } from './errors.ts';

/** Removes a file or a symlink; one that is not there is no error. */
export function removeFile(path: string): void {
  unlessGone(() => unlinkSync(path));
}

/** Removes a directory if there is nothing in it. Whether it is gone. */
export function removeEmptyDirectory(path: string): boolean {
  try {
    unlessGone(() => rmdirSync(path));
    return true;
  } catch (error) {
    if (errnoOf(error) === ENOTEMPTY) return false;
    throw error;
  }
}

/** The same, if it can: for what a failed step has left. */
export function discardEmptyDirectory(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // The failure itself is what is told.
  }
}

/** Removes what a failed step has left, if it can: the failure itself is what is told. */
export function discardFile(path: string): void {
  try {
    unlinkSync(path);
  } catch {}
}

/** Removes a file, or a directory with all that is in it; one that is not there is no error. Follows no symlink. */
export function removeTree(path: string): void {
  try {
    removeFile(path);
  } catch (error) {
    if (errnoOf(error) !== EISDIR) throw error;
    unlessGone(() => {
      for (const name of readdirSync(path)) removeTree(join(path, name));
      rmdirSync(path);
    });
  }
}

/** Makes a directory and those above it that are missing. */
export function makeDirectories(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === EEXIST) {
      const found = lstatSync(path, { throwIfNoEntry: false });
      // Somebody has removed what was there.
      if (!found) return makeDirectories(path, mode);
      // A link that leads nowhere is ENOENT.
      const target = found.isSymbolicLink() ? statSync(path) : found;
      if (target.isDirectory()) return;
    }
    if (errno !== ENOENT || path === dirname(path)) throw error;
    makeDirectories(dirname(path), mode);
    makeDirectories(path, mode);
  }
}

/** Where a path leads. */
interface RealPath {
  readonly path: string;
  readonly isDirectory: boolean;
}

/** realpath(3) of many paths, which are often in the same few directories: none is looked up twice. */
export class RealPaths {
  readonly #known = new Map<string, RealPath | undefined>();

  /** Undefined where there is nothing, or nothing to be found out. */
  find(path: string): RealPath | undefined {
    if (!this.#known.has(path)) this.#known.set(path, this.#lookUp(path));
    return this.#known.get(path);
  }

  #lookUp(path: string): RealPath | undefined {
    try {
      const stat = lstatSync(path);
      const isDirectory = stat.isDirectory();
      if (stat.isSymbolicLink())
        return { path: realpathSync(path), isDirectory: statSync(path).isDirectory() };
      if (path === '/') return { path, isDirectory };
      const above = this.find(dirname(path));
      return above && { path: join(above.path, basename(path)), isDirectory };
    } catch {
      return undefined;
    }
  }
}

/** Whether a path is that of a directory or of something in it. Both are as realpath(3) has them. In `/` nothing is. */
export function isIn(directory: string, path: string): boolean {
  return `${path}/`.startsWith(`${directory}/`);
}

/**
 * Whether an absolute path leads to a directory or into it, by the part of it that exists. `directory` is as realpath(3)
 * has it. In `/` nothing is.
 */
export function leadsInto(directory: string, path: string): boolean {
  for (let known = path; ; known = dirname(known)) {
    try {
      return isIn(directory, realpathSync(known));
    } catch {
      if (known === '/') return false;
    }
  }
}

/** The content of a small file without its last newline; undefined where there is none that may be read. */
export function tryRead(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trimEnd();
  } catch {
    return undefined;
  }
}

/** Whether this process may execute a file (access(2)). */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The path of a program: in the first of the directories that has one of this name; undefined if none has. */
export function findExecutable(name: string, directories: readonly string[]): string | undefined {
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

function unlessGone(remove: () => void): void {
  try {
    remove();
  } catch (error) {
    if (errnoOf(error) !== ENOENT) throw error;
  }
}
