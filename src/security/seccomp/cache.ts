// Compiled filters kept by what went into them: libseccomp takes tens of milliseconds for an engine's default profile,
// and engines use the same one again and again.
//
// A filter is confinement, so a cache that somebody else could write is not used. No failure of the cache is an
// error: the filter is compiled then.

import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  type Stats,
  writeFileSync,
} from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import type { Seccomp } from '../../config/generated/types.ts';
import { discardFile } from '../../linux/files.ts';
import { BPF_MAXINSNS, INSTRUCTION_SIZE } from './classic-bpf.ts';

/** Raise it whenever the same config compiles to another program. */
const FORMAT = 2;
/** Entries kept; the directory is usually in memory. */
const MOST = 64;

/** Everything that decides what a filter compiles to. Flags and the listener do not. */
export function cacheKey(config: Seccomp, library: string): string {
  const { defaultAction, defaultErrnoRet, architectures, syscalls } = config;
  const what = [
    FORMAT,
    process.arch,
    release(),
    library,
    defaultAction,
    defaultErrnoRet,
    architectures,
    syscalls,
  ];
  return canonical(what);
}

/**
 * The name of the entry with that key. Entries hold their keys, so that nothing but speed depends on the hash: node:crypto
 * alone takes longer to load than all the rest of a filter.
 */
function nameOf(key: string): string {
  const words = new Uint32Array(Math.ceil(Buffer.byteLength(key) / 4));
  Buffer.from(words.buffer).write(key);
  let [a, b] = [1, words.length];
  for (const word of words) {
    a = Math.imul(a ^ word, 0x9e3779b1);
    b = Math.imul(b ^ (a >>> 15), 0x85ebca6b);
    a ^= b >>> 13;
  }
  return [a, b].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
}

/** JSON with sorted keys and a mark on bigints, so that equal values, and only these, have equal texts. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === 'bigint') return { bigint: String(item) };
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return item;
    return Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** The filter with that key from the directory, else made and left there. */
export function cached(directory: string, key: string, make: () => Buffer): Buffer {
  const usable = prepare(directory);
  const name = nameOf(key);
  const head = Buffer.from(`${key}\n`);
  const found = usable ? load(join(directory, name), head) : undefined;
  if (found) return found;
  const made = make();
  if (usable) store(directory, name, Buffer.concat([head, made]));
  return made;
}

/** Whether the directory is there, made if need be, and nobody else can write to it. Its parent must be there. */
function prepare(directory: string): boolean {
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch {}
  try {
    const stat = lstatSync(directory);
    return stat.isDirectory() && isOurs(stat);
  } catch {
    return false;
  }
}

function isOurs({ uid, mode }: Stats): boolean {
  return uid === process.geteuid?.() && (mode & 0o022) === 0;
}

/** What follows the head, if the file begins with it and ends in a program. */
function load(path: string, head: Buffer): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const stat = fstatSync(fd);
    const size = stat.size - head.length;
    const plausible =
      stat.isFile() &&
      isOurs(stat) &&
      size > 0 &&
      size % INSTRUCTION_SIZE === 0 &&
      size <= BPF_MAXINSNS * INSTRUCTION_SIZE;
    if (!plausible) return undefined;
    const entry = readFileSync(fd);
    return entry.subarray(0, head.length).equals(head) ? entry.subarray(head.length) : undefined;
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}

/** Under a name of its own first, so that no reader ever sees half of it. */
function store(directory: string, name: string, entry: Buffer): void {
  const temporary = join(directory, `.${name}.${process.pid}`);
  try {
    writeFileSync(temporary, entry, { flag: 'wx', mode: 0o600 });
    renameSync(temporary, join(directory, name));
    forgetOldest(directory);
  } catch {
    discardFile(temporary);
  }
}

function forgetOldest(directory: string): void {
  const names = readdirSync(directory);
  if (names.length <= MOST) return;
  const byAge = names
    .map((name) => ({ path: join(directory, name), time: lstatSync(join(directory, name)).mtimeMs }))
    .sort((a, b) => a.time - b.time);
  for (const { path } of byAge.slice(0, names.length - MOST)) discardFile(path);
}
