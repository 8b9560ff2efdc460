// Compiled filters kept by the hash of what went into them: libseccomp takes tens of milliseconds for an engine's
// default profile, and engines use the same one again and again.
//
// A filter is confinement, so a cache that somebody else could write is not used. No failure of the cache is an
// error: the filter is compiled then.

import { createHash } from 'node:crypto';
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
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import type { Seccomp } from '../../config/generated/types.ts';
import { BPF_MAXINSNS, INSTRUCTION_SIZE } from './bpf.ts';

/** Raise it whenever the same config compiles to another program. */
const FORMAT = 1;
/** Entries kept; the directory is usually in memory. */
const MOST = 64;

/** The name of a filter: everything that decides what it compiles to. Flags and the listener do not. */
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
  return createHash('sha256').update(canonical(what)).digest('hex');
}

/** JSON with sorted keys and a mark on bigints, so that equal values, and only these, have equal texts. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === 'bigint') return { bigint: String(item) };
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return item;
    return Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** The filter of that name from the directory, else made and left there. */
export function cached(directory: string, key: string, make: () => Buffer): Buffer {
  const usable = prepare(directory);
  const found = usable ? load(join(directory, key)) : undefined;
  if (found) return found;
  const made = make();
  if (usable) store(directory, key, made);
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

function load(path: string): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const stat = fstatSync(fd);
    const plausible =
      stat.isFile() &&
      isOurs(stat) &&
      stat.size > 0 &&
      stat.size % INSTRUCTION_SIZE === 0 &&
      stat.size <= BPF_MAXINSNS * INSTRUCTION_SIZE;
    return plausible ? readFileSync(fd) : undefined;
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}

/** Under a name of its own first, so that no reader ever sees half of it. */
function store(directory: string, key: string, program: Buffer): void {
  const temporary = join(directory, `.${key}.${process.pid}`);
  try {
    writeFileSync(temporary, program, { flag: 'wx', mode: 0o600 });
    renameSync(temporary, join(directory, key));
    forgetOldest(directory);
  } catch {
    rmSync(temporary, { force: true });
  }
}

function forgetOldest(directory: string): void {
  const names = readdirSync(directory);
  if (names.length <= MOST) return;
  const byAge = names
    .map((name) => ({ path: join(directory, name), time: lstatSync(join(directory, name)).mtimeMs }))
    .sort((a, b) => a.time - b.time);
  for (const { path } of byAge.slice(0, names.length - MOST)) rmSync(path, { force: true });
}
