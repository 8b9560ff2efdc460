// Puts the files of an installation in their places below a prefix, and takes them away again.
//
// A list of what was put there stays with it, for the day when it is removed, by this tsoci or by a later one.

import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { InstalledFile } from './contents.ts';

const LIST = 'libexec/tsoci/installed';

/** Files and directories that were made, by their paths below the prefix; directories end in a slash. */
type Installed = readonly string[];

/** Undefined if nothing is installed there that has a list. */
export function readInstalled(prefix: string): Installed | undefined {
  const list = join(prefix, LIST);
  return existsSync(list) ? readFileSync(list, 'utf8').split('\n').filter(Boolean) : undefined;
}

/** Installs `files`, and removes what an earlier installation had besides. */
export function installFiles(prefix: string, files: readonly InstalledFile[]): void {
  const earlier = readInstalled(prefix) ?? [];
  const paths = [LIST, ...files.map(({ path }) => path)];
  const directories = paths.flatMap(parents).filter((path) => !existsSync(join(prefix, path)));
  const made = [...new Set([...earlier.filter(isDirectory), ...directories])].sort();
  // Written first: an installation that is broken off can be removed too.
  const all = [...new Set([...made, ...earlier, ...paths])];
  put(prefix, { path: LIST, mode: 0o644, content: lines(all) });
  for (const file of files) put(prefix, file);
  const wanted = new Set([...made, ...paths]);
  removeFiles(
    prefix,
    earlier.filter((path) => !wanted.has(path)),
  );
  put(prefix, { path: LIST, mode: 0o644, content: lines([...wanted]) });
}

/** Removes files, and those of the directories that are empty then. */
export function removeFiles(prefix: string, installed: Installed): void {
  const files = installed.filter((path) => !isDirectory(path)).map((path) => join(prefix, path));
  for (const path of files.flatMap((path) => [path, unfinished(path)])) rmSync(path, { force: true });
  const deepestFirst = installed.filter(isDirectory).sort().reverse();
  for (const path of deepestFirst) removeEmpty(join(prefix, path));
}

/** Puts a file in its place whole, also where the old one is being executed. */
function put(prefix: string, { path, mode, content }: InstalledFile): void {
  const target = join(prefix, path);
  mkdirSync(dirname(target), { recursive: true });
  const next = unfinished(target);
  rmSync(next, { force: true });
  writeFileSync(next, content);
  chmodSync(next, mode);
  renameSync(next, target);
}

/** Where a file is written before it is put in its place. */
function unfinished(path: string): string {
  return `${path}.next`;
}

/** Every directory between the prefix and a file, the prefix itself apart, and each with its slash. */
function parents(path: string): string[] {
  const names = path.split('/').slice(0, -1);
  return names.map((_, index) => `${names.slice(0, index + 1).join('/')}/`);
}

function isDirectory(path: string): boolean {
  return path.endsWith('/');
}

function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    // Others have put something there, or have removed it.
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

function lines(paths: Installed): string {
  return paths.map((path) => `${path}\n`).join('');
}
