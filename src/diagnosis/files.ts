// Files below the root of a process, and the way of a path through them as the kernel takes it (path_resolution(7)):
// where it ends, or why it ends nowhere.

import { posix } from 'node:path';
import { S_IFLNK, S_IFMT } from '../linux/constants.ts';
import { EACCES, ELOOP, ENOENT, ENOTDIR } from '../linux/errno.ts';
import { type Entry, kindOf, ownership } from './entry.ts';
import { mayExecute, type Person, personName } from './person.ts';

/** Files of one root. Paths are absolute, from that root, and lead through no symlink. */
export interface Files {
  /** Undefined: nothing is there. 'unknown': only the kernel can tell, such as of the links of procfs. */
  at(path: string): Entry | 'unknown' | undefined;
  /** Bytes of a regular file. */
  read(path: string, position: number, length: number): Buffer;
  /** Whether a directory has nothing in it. */
  isEmpty(path: string): boolean;
}

/** Why something cannot work: what the kernel answers, and a clause that says what is wrong. */
export interface Refusal {
  readonly errno: number;
  readonly reason: string;
  /** The errno says as much. */
  readonly obvious?: boolean;
}

export interface Found {
  /** Without symlinks. */
  readonly path: string;
  readonly entry: Entry;
}

/** As many symlinks as the kernel follows. */
const MAX_LINKS = 40;

/** Where an absolute path leads for a person; undefined where only the kernel can tell. */
export function find(files: Files, name: string, person: Person): Found | Refusal | undefined {
  const parts = partsOf(name);
  const root = files.at('/');
  if (root === undefined || root === 'unknown') return undefined;
  let at: Found = { path: '/', entry: root };
  let followed: Link | undefined;
  /** How many of the next parts that link has given. */
  let ofLink = 0;
  for (let links = 0; ; ) {
    const part = parts.shift();
    if (part === undefined) return at;
    const given = ofLink > 0 ? followed : undefined;
    ofLink = Math.max(0, ofLink - 1);
    const blocked = whyNoWay(at, person);
    if (blocked) return blocked;
    const path = part === '..' ? posix.dirname(at.path) : posix.join(at.path, part);
    const entry = files.at(path);
    if (entry === 'unknown') return undefined;
    if (entry === undefined) return absence(files, path, name, given);
    if ((entry.mode & S_IFMT) !== S_IFLNK) {
      at = { path, entry };
      continue;
    }
    const link = entry.link ?? '';
    if (++links > MAX_LINKS)
      return { errno: ELOOP, reason: `${path} is one of symlinks that lead in a circle` };
    followed = { from: path, to: link };
    const more = partsOf(link);
    ofLink += more.length;
    parts.unshift(...more);
    if (link.startsWith('/')) at = { path: '/', entry: root };
  }
}

/** Why a path cannot go on from here. */
function whyNoWay({ path, entry }: Found, person: Person): Refusal | undefined {
  const kind = kindOf(entry);
  if (kind !== 'directory') return { errno: ENOTDIR, reason: `${path} is a ${kind}, not a directory` };
  if (mayExecute(entry, person)) return undefined;
  return { errno: EACCES, reason: `${personName(person)} may not enter ${path} (${ownership(entry)})` };
}

/** Nothing is at `path`, to which the way of `name` has led. */
function absence(files: Files, path: string, name: string, followed: Link | undefined): Refusal {
  const parent = posix.dirname(path);
  const link = followed ? `${followed.from} is a symlink to ${followed.to}, and ` : '';
  const mount = parent !== '/' && files.isEmpty(parent) ? `; ${parent} is empty: is a mount missing?` : '';
  const reason = `${link}${path} does not exist${mount}`;
  return { errno: ENOENT, reason, obvious: reason === `${name} does not exist` };
}

/** A symlink that was followed, and what it says. */
interface Link {
  from: string;
  to: string;
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

/** The reason, where it says more than the errno. */
export function hintOf(refusal: Refusal | undefined): string | undefined {
  return refusal?.obvious ? undefined : refusal?.reason;
}

export function isFile(found: Found | Refusal | undefined): boolean {
  return found !== undefined && 'entry' in found && kindOf(found.entry) === 'file';
}
