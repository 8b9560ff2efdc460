// The containers of one state directory (--root): a directory each.
//
//   ROOT/ID/state.json    the record, a line for each time that it was written: the last line counts
//   ROOT/ID/config.json   the config as it was at `create`
//   ROOT/ID/resources.json  limits as `update` changed them
//   ROOT/ID/start.sock    init waits on it; removed once it has started

import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { EEXIST, ENOENT, ENOTDIR } from '../../linux/errno.ts';
import { errnoOf, TsociError } from '../../linux/errors.ts';
import {
  discardFile,
  makeDirectories,
  removeEmptyDirectory,
  removeFile,
  removeTree,
} from '../../linux/files.ts';
import { step } from '../../linux/steps.ts';
import { readTextFile } from '../../linux/text-file.ts';
import { type ContainerRecord, type Status, statusOf } from './record.ts';
import { parseRecord } from './record-form.ts';

const NAME_MAX = 255;

/** runtime.md#create leaves the form of an id open: a file name of the characters that runc and crun accept. */
export function checkId(id: string): void {
  if (id === '') throw new TsociError('the container id is empty');
  if (id.length > NAME_MAX) throw new TsociError(`the container id is longer than ${NAME_MAX} characters`);
  if (!isId(id)) {
    throw new TsociError(
      `invalid container id ${JSON.stringify(id)}: only letters, digits and _ + . - are allowed`,
    );
  }
}

function isId(id: string): boolean {
  return /^[A-Za-z0-9_+.-]+$/.test(id) && id !== '.' && id !== '..';
}

export function containerDirectory(root: string, id: string): string {
  checkId(id);
  return join(root, id);
}

const FILES = new Set(['state.json', 'config.json', 'resources.json', 'start.sock']);

const recordFile = (directory: string): string => join(directory, 'state.json');
export const startSocket = (directory: string): string => join(directory, 'start.sock');
export const savedConfig = (directory: string): string => join(directory, 'config.json');
export const savedResources = (directory: string): string => join(directory, 'resources.json');

/** Makes the directory of a new container. Its id is its own from here on. */
export function reserve(root: string, id: string): string {
  const directory = containerDirectory(root, id);
  const doing = `make the state directory ${directory}`;
  const hint = 'XDG_RUNTIME_DIR or --root names another place';
  step(doing);
  try {
    makeDirectories(root, 0o700);
  } catch (error) {
    throw TsociError.from(doing, error, hint);
  }
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    // It may be deleted by now; the id was taken all the same.
    if (errnoOf(error) === EEXIST) throw existsAlready(id);
    throw TsociError.from(doing, error, hint);
  }
  return directory;
}

export function doesNotExist(id: string): TsociError {
  return new TsociError(`container ${id} does not exist`, { errno: ENOENT });
}

export function existsAlready(id: string): TsociError {
  return new TsociError(`container with id ${id} exists already`, { errno: EEXIST });
}

export function hasRecord(directory: string): boolean {
  return existsSync(recordFile(directory));
}

/** Writes a file whole or not at all. */
export function writeAtomically(path: string, text: string): void {
  step(`write ${path}`);
  const next = `${path}.next`;
  try {
    writeFileSync(next, text, { mode: 0o600 });
    renameSync(next, path);
  } catch (error) {
    discardFile(next);
    throw TsociError.from(`write ${path}`, error);
  }
}

/** Writes the first record of a container. */
export function writeRecord(directory: string, record: ContainerRecord): void {
  writeAtomically(recordFile(directory), recordLine(record));
}

/**
 * Writes the record anew. A line more takes a twentieth of the time of a new file that replaces the old one, and who reads
 * meanwhile sees either the whole line or the one before.
 */
export function rewriteRecord(directory: string, record: ContainerRecord): void {
  const path = recordFile(directory);
  step(`write ${path}`);
  try {
    appendFileSync(path, recordLine(record));
  } catch (error) {
    throw TsociError.from(`write ${path}`, error);
  }
}

function recordLine(record: ContainerRecord): string {
  return `${JSON.stringify(record)}\n`;
}

/** The last line. What has no end yet is being written, or was left by a command that was killed. */
function lastLine(text: string): string {
  const end = text.lastIndexOf('\n');
  return end < 0 ? text : text.slice(text.lastIndexOf('\n', end - 1) + 1, end);
}

/** The record of a container; an error that says so when there is none. */
export function readRecord(root: string, id: string): ContainerRecord {
  const directory = containerDirectory(root, id);
  const record = tryReadRecord(directory);
  if (record) return record;
  throw doesNotExist(id);
}

/** Undefined when there is no container, or its `create` has not got as far as a record. */
export function tryReadRecord(directory: string): ContainerRecord | undefined {
  const path = recordFile(directory);
  let text: string;
  try {
    text = readTextFile(path);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === ENOENT || errno === ENOTDIR) return undefined;
    throw error;
  }
  const parsed = parseRecord(lastLine(text), basename(directory));
  if ('record' in parsed) return parsed.record;
  const hint = 'end the processes of this container, then remove the directory';
  throw new TsociError(`${path} is no record of this container: its ${parsed.wrong} is damaged; ${hint}`);
}

export function currentStatus(directory: string, record: ContainerRecord): Status {
  return statusOf(record, {
    waiting: () => existsSync(startSocket(directory)),
    frozen: () => record.cgroup !== undefined && isFrozen(record.cgroup),
  });
}

/** cgroup.events of the cgroup v2 documentation. Read here, so that `state` need not load src/cgroups. */
function isFrozen(cgroup: string): boolean {
  try {
    return readFileSync(join(cgroup, 'cgroup.events'), 'utf8').includes('frozen 1');
  } catch {
    return false;
  }
}

export function removeDirectory(directory: string): void {
  step(`remove ${directory}`);
  try {
    // unlink(2) and rmdir(2) take no descriptor, of which a `create` that fails may have none left.
    for (const name of FILES) removeFile(join(directory, name));
    if (!removeEmptyDirectory(directory)) removeTree(directory);
  } catch (error) {
    throw TsociError.from(`remove ${directory}`, error);
  }
}

/**
 * Whether a directory is a container's: by its record, or because there is nothing in it but what `create` or `delete` left
 * that was killed before or after there was one. Whatever else somebody keeps in a state directory is not ours to remove.
 */
export function isContainer(directory: string): boolean {
  if (hasRecord(directory)) return true;
  try {
    return readdirSync(directory).every((name) => FILES.has(name.replace(/\.next$/, '')));
  } catch (error) {
    // What cannot be looked at is told by whoever reads the record.
    return ![ENOENT, ENOTDIR].includes(errnoOf(error) ?? 0);
  }
}

/**
 * The ids in a state directory, in order; those too of which a killed command left no record.
 *
 * @throws TsociError if it cannot be read, and where it `mustExist` if it is not there: the first `create` makes it
 */
export function containerIds(root: string, { mustExist = false }: { mustExist?: boolean } = {}): string[] {
  let names: string[];
  try {
    names = readdirSync(root);
  } catch (error) {
    if (errnoOf(error) === ENOENT && !mustExist) return [];
    throw TsociError.from(`list ${root}`, error);
  }
  return names.filter((name) => isId(name) && isContainer(join(root, name))).sort();
}
