// A process of a container that looks at each process that comes in, for as long as that has not executed its program, and
// tries what has led out of containers. It writes what it got to /report when there is a file /stop.

import { existsSync, fstatSync, readlinkSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH, O_RDWR, O_WRONLY } from '../../src/linux/constants.ts';
import { cString, syscall } from '../../src/linux/ffi.ts';
import { SYS } from '../../src/linux/syscalls.ts';

export interface Look {
  /** A file of the host, which the container must not reach. */
  secret: string;
  /** A word of the caller's environment. */
  word: string;
  /** The name of the programs that come in: with it, a process is none that comes in any more. */
  program: string;
}

export interface Report {
  /** How many processes were seen before they had executed their program, and how often. */
  seen: number;
  looks: number;
  /** What the process is allowed by its capabilities, and how often it has done it. */
  traced: number;
  /** What must not be. */
  got: string[];
}

const [PTRACE, PREAD64] = process.arch === 'arm64' ? [117, 67] : [101, 17];
/** sys/ptrace.h */
const PTRACE_ATTACH = 16;
const PTRACE_DETACH = 17;
/** wait(2): children by any means, and those that are traced. */
const WALL = 0x40000000;
const SIGCONT = 18;
/** How many numbers are looked at before and behind the last that was given out. */
const BEFORE = 8;
const AHEAD = 2;
/** The descriptors that it may have, but for the standard streams, which are given to it on purpose. */
const FIRST = 3;
const LAST = 15;
/** What a descriptor of a process that comes in may be: nothing that leads to a file of the host. */
const HARMLESS = /^(socket:|pipe:|anon_inode:|\/dev\/null$|\/memfd:)/;

const { secret, word, program }: Look = JSON.parse(process.argv[2] ?? '{}');
const text = {
  comm: cString('comm'),
  exe: cString('exe'),
  mem: cString('mem'),
  environ: cString('environ'),
  above: cString('..'),
};
const ways = [
  `root${secret}`,
  `cwd${secret}`,
  `cwd/${'../'.repeat(12)}${secret}`,
  `root/${'../'.repeat(12)}${secret}`,
].map((path) => ({ path, bytes: cString(path) }));
const descriptors = Array.from({ length: LAST - FIRST + 1 }, (_, i) => FIRST + i).map((fd) => ({
  path: `fd/${fd}`,
  bytes: cString(`fd/${fd}`),
  below: cString(`fd/${fd}/${'../'.repeat(12)}${secret}`),
  limit: cString(`fd/${fd}/cgroup.freeze`),
}));
const buffer = Buffer.alloc(4096);
const report: Report = { seen: 0, looks: 0, traced: 0, got: [] };

const loadavg = open(AT_FDCWD, cString('/proc/loadavg'), 0);
let next = process.pid + 1;
for (let rounds = 0; ; rounds++) {
  if (rounds % 1000 === 0 && existsSync('/stop')) break;
  const last = lastPid();
  next = Math.max(next, last - BEFORE);
  for (let pid = next; pid <= last + AHEAD; pid++) {
    const directory = open(AT_FDCWD, cString(`/proc/${pid}`), O_PATH | O_DIRECTORY);
    if (directory < 0) continue;
    next = pid + 1;
    if (!existsSync(`/proc/self/task/${pid}`)) attack(pid, directory);
    syscall(SYS.close, directory);
  }
}
writeFileSync('/report.next', JSON.stringify(report));
renameSync('/report.next', '/report');

/** The last number that a process or a thread was given in this pid namespace (proc_loadavg(5)). */
function lastPid(): number {
  const length = syscall(PREAD64, loadavg, buffer, 128, 0);
  return Number(buffer.toString('latin1', 0, length).trim().split(' ').at(-1));
}

/** As long as it has not executed its program. */
function attack(pid: number, directory: number): void {
  let looks = 0;
  /** Its executable, held open for later. */
  let image = -1;
  for (; isComing(directory); looks++) {
    image = image < 0 ? open(directory, text.exe, 0) : image;
    take(open(directory, text.exe, O_WRONLY), 'exe to write', overwrites);
    for (const { path, bytes, below, limit } of descriptors) {
      take(open(directory, bytes, O_PATH), path, leadsOut);
      take(open(directory, below, 0), `${path} and up`, () => true);
      take(open(directory, limit, O_WRONLY), `${path}, to write`, () => true);
    }
    for (const { path, bytes } of ways) take(open(directory, bytes, 0), path, () => true);
    take(open(directory, text.environ, 0), 'environ', hasWord);
    const memory = open(directory, text.mem, O_RDWR);
    const reached = memory >= 0 || traces(pid);
    // Once it has executed its program, that may be traced.
    if (reached && isComing(directory)) report.traced++;
    if (memory >= 0) syscall(SYS.close, memory);
  }
  if (image >= 0) {
    // Nobody executes it any more: what held it closed then does not.
    take(open(AT_FDCWD, cString(`/proc/self/fd/${image}`), O_WRONLY), 'exe to write, later', overwrites);
    syscall(SYS.close, image);
  }
  report.looks += looks;
  if (looks > 0) report.seen++;
}

/** Whether it could be traced; it is let go of at once. */
function traces(pid: number): boolean {
  if (syscall(PTRACE, PTRACE_ATTACH, pid, 0, 0) !== 0) return false;
  syscall(SYS.wait4, pid, buffer, WALL, 0);
  syscall(PTRACE, PTRACE_DETACH, pid, 0, 0);
  // It may have stopped for its execve(2) before it did for us.
  syscall(SYS.kill, pid, SIGCONT);
  return true;
}

/** Whether a process is there that has not executed its program. */
function isComing(directory: number): boolean {
  const fd = open(directory, text.comm, 0);
  if (fd < 0) return false;
  const length = syscall(SYS.read, fd, buffer, buffer.length);
  syscall(SYS.close, fd);
  return length > 0 && buffer.toString('latin1', 0, length).trim() !== program;
}

function open(directory: number, path: Uint8Array, flags: number): number {
  return syscall(SYS.openat, directory, path, flags | O_CLOEXEC, 0);
}

/** Notes what was opened, if it is harmful. */
function take(fd: number, what: string, harmful: (fd: number) => boolean): void {
  if (fd < 0) return;
  if (harmful(fd) && report.got.length < 100)
    report.got.push(`${what}: ${readlinkSync(`/proc/self/fd/${fd}`)}`);
  syscall(SYS.close, fd);
}

/** What the container has itself does not, nor does a directory with nothing above it. */
function leadsOut(fd: number): boolean {
  const path = readlinkSync(`/proc/self/fd/${fd}`);
  if (HARMLESS.test(path)) return false;
  const { dev, ino } = fstatSync(fd);
  const above = open(fd, text.above, O_PATH);
  const places = [statSync(path, { throwIfNoEntry: false }), above < 0 ? undefined : fstatSync(above)];
  syscall(SYS.close, above);
  return !places.some((place) => place?.dev === dev && place.ino === ino);
}

/** A program of the image is the container's own. */
function overwrites(fd: number): boolean {
  if (readlinkSync(`/proc/self/fd/${fd}`).startsWith('/bin/')) return false;
  return syscall(SYS.write, fd, text.comm, 1) > 0;
}

function hasWord(fd: number): boolean {
  const length = syscall(SYS.read, fd, buffer, buffer.length);
  return length > 0 && buffer.toString('latin1', 0, length).includes(word);
}
