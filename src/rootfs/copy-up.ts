// tmpcopyup: a tmpfs that starts with what the image has at its place.
//
// The container's init copies, as root of its user namespace: owners are what the container sees, and rights are the
// container's. Everything is opened by name in an open directory, and no link is followed: somebody may change what is
// copied meanwhile.

import { posix } from 'node:path';
import {
  AT_SYMLINK_NOFOLLOW,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
  S_IFDIR,
  S_IFLNK,
  S_IFREG,
  STATX_BASIC_STATS,
} from '../linux/constants.ts';
import { EINVAL, EPERM } from '../linux/errno.ts';
import { Work } from '../linux/progress.ts';
import {
  deviceNumber,
  fileTypeOf,
  STATX_SIZE,
  STX_ATIME,
  STX_GID,
  STX_MODE,
  STX_MTIME,
  STX_RDEV_MAJOR,
  STX_RDEV_MINOR,
  STX_UID,
} from '../linux/statx.ts';
import { Structure } from '../stub/program.ts';
import type { StubProcess } from '../stub/stub-process.ts';

/** Directories in init: what is copied, and where to. `path` is the destination as the container will see it. */
interface Pair {
  from: number;
  to: number;
  path: string;
}

/** How much has been copied. */
class Copied {
  readonly #work: Work;
  #files = 0;
  #bytes = 0;

  constructor(work: Work) {
    this.#work = work;
  }

  add(files: number, bytes: number): void {
    this.#files += files;
    this.#bytes += bytes;
    this.#work.at(() => `${this.#files} files, ${Math.round(this.#bytes / MIB)} MiB`);
  }
}

type Copying = Pair & { copied: Copied };

const NAMES = 32_768;
const PATH_MAX = 4096;
const MIB = 2 ** 20;
/** Bytes that sendfile(2) is asked for at once: it would take 2 GiB, and nobody would hear of it meanwhile. */
const AT_ONCE = 64 * MIB;

/** `from` and `to` are descriptors of directories in init; `path` is for errors. */
export function copyUp(init: StubProcess, { from, to, path }: Pair): void {
  using work = new Work(copying(path));
  const program = init.program();
  const directory = program.open('openat', [from, '.', O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0], copying(path));
  init.run(program);
  copyEntries(init, { from: directory, to, path, copied: new Copied(work) });
  close(init, directory);
}

function copyEntries(init: StubProcess, directory: Copying): void {
  for (const name of namesIn(init, directory)) {
    const text = name.toString('utf8', 0, name.length - 1);
    if (text === '.' || text === '..') continue;
    copyEntry(init, { ...directory, path: posix.join(directory.path, text) }, name);
    directory.copied.add(1, 0);
  }
}

/** getdents64(2): struct linux_dirent64 has its length at 16 and at 19 its name, which is kept as bytes with its NUL. */
function namesIn(init: StubProcess, { from, path }: Pair): Buffer[] {
  const names: Buffer[] = [];
  for (;;) {
    const buffer = Buffer.alloc(NAMES);
    const program = init.program();
    const read = program.call('getdents64', [from, buffer, buffer.length], copying(path));
    const results = init.run(program);
    const length = results.at(read);
    if (length <= 0) return names;
    const bytes = results.bytes(buffer);
    for (let at = 0; at < length; at += bytes.readUInt16LE(at + 16))
      names.push(bytes.subarray(at + 19, bytes.indexOf(0, at + 19) + 1));
  }
}

/** `pair.path` is that of the entry from here on. */
function copyEntry(init: StubProcess, pair: Copying, name: Buffer): void {
  const stat = inspect(init, pair, name);
  switch (fileTypeOf(stat)) {
    case S_IFLNK:
      copyLink(init, pair, name);
      break;
    case S_IFDIR:
      copyDirectory(init, pair, name);
      break;
    case S_IFREG:
      copyFile(init, pair, name);
      break;
    default:
      if (!copyNode(init, pair, name, stat)) return;
  }
  keepAttributes(init, pair, name, stat);
}

function inspect(init: StubProcess, { from, path }: Pair, name: Buffer): Buffer {
  const stat = Buffer.alloc(STATX_SIZE);
  const program = init.program();
  program.call('statx', [from, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, stat], copying(path));
  return init.run(program).bytes(stat);
}

function copyLink(init: StubProcess, { from, to, path }: Pair, name: Buffer): void {
  const text = Buffer.alloc(PATH_MAX);
  const reading = init.program();
  // One byte less, for the NUL behind it.
  reading.call('readlinkat', [from, name, text, text.length - 1], copying(path));
  const target = init.run(reading).bytes(text);
  const program = init.program();
  program.call('symlinkat', [target, to, name], copying(path));
  init.run(program);
}

function copyDirectory(init: StubProcess, { from, to, path, copied }: Copying, name: Buffer): void {
  const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  const program = init.program();
  const below = program.open('openat', [from, name, flags, 0], copying(path));
  program.call('mkdirat', [to, name, 0o700], copying(path));
  const made = program.open('openat', [to, name, flags, 0], copying(path));
  init.run(program);
  copyEntries(init, { from: below, to: made, path, copied });
  close(init, below, made);
}

/** A FIFO, a socket or a device. In a user namespace nobody can make a device (mknod(2)): whether there is a copy. */
function copyNode(init: StubProcess, { to, path }: Pair, name: Buffer, stat: Buffer): boolean {
  const program = init.program();
  const number = deviceNumber(stat.readUInt32LE(STX_RDEV_MAJOR), stat.readUInt32LE(STX_RDEV_MINOR));
  const args = [to, name, fileTypeOf(stat) | 0o600, number];
  const made = program.call('mknodat', args, copying(path), { ignored: [EPERM] });
  return init.run(program).at(made) === 0;
}

/** What is no file any more when it is opened is refused by sendfile(2), or has no data: a FIFO, with O_NONBLOCK. */
function copyFile(init: StubProcess, { from, to, path, copied }: Copying, name: Buffer): void {
  const opening = init.program();
  const flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  const source = opening.open('openat', [from, name, flags, 0], copying(path));
  const creation = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
  const target = opening.open('openat', [to, name, creation, 0o600], copying(path));
  init.run(opening);
  for (;;) {
    const program = init.program();
    const sent = program.call('sendfile', [target, source, null, AT_ONCE], copying(path));
    const bytes = init.run(program).at(sent);
    if (bytes === 0) break;
    copied.add(0, bytes);
  }
  close(init, source, target);
}

/** Owner, mode and times. What an owner that is not mapped looks like may be no user of the namespace: then it is root. */
function keepAttributes(init: StubProcess, { to, path }: Pair, name: Buffer, stat: Buffer): void {
  const mode = stat.readUInt16LE(STX_MODE);
  const program = init.program();
  const owner = [to, name, stat.readUInt32LE(STX_UID), stat.readUInt32LE(STX_GID), AT_SYMLINK_NOFOLLOW];
  program.call('fchownat', owner, copying(path), { ignored: [EINVAL] });
  if (fileTypeOf(stat) !== S_IFLNK) program.call('fchmodat', [to, name, mode & 0o7777], copying(path));
  // struct statx_timestamp: seconds, nanoseconds; struct timespec the same with 64 bits each.
  const times = [STX_ATIME, STX_MTIME].flatMap((at) => [
    stat.readBigInt64LE(at),
    BigInt(stat.readUInt32LE(at + 8)),
  ]);
  program.call('utimensat', [to, name, new Structure(times), AT_SYMLINK_NOFOLLOW], copying(path));
  init.run(program);
}

function close(init: StubProcess, ...fds: readonly number[]): void {
  const program = init.program();
  for (const fd of fds) program.close(fd);
  init.run(program);
}

function copying(path: string): string {
  return `copy ${path} up into its tmpfs`;
}
