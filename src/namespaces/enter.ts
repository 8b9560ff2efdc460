// Entering the namespaces of a container's init: for `exec`, and for hooks of the container namespace.

import { constants, openSync, readFileSync, readlinkSync } from 'node:fs';
import { CLONE_NEWCGROUP, CLONE_NEWNS, CLONE_NEWUSER, PR_SET_DUMPABLE } from '../linux/constants.ts';
import { check, closeDescriptor } from '../linux/descriptor.ts';
import { EINVAL, EPERM, ESRCH } from '../linux/errno.ts';
import { TsociError } from '../linux/errors.ts';
import { isAlive, type ProcessIdentity } from '../linux/procfs.ts';
import type { Program } from '../stub/program.ts';
import { StubProcess } from '../stub/stub-process.ts';
import { namespaceTypes } from './namespace-plan.ts';

/** How many extra descriptors the stub has for entering; they are closed when it has. */
export const ENTER_EXTRA = 3;

export interface EnterOptions {
  stdio: readonly [number, number, number];
  preserved?: readonly number[];
  /** The cgroup that the process starts in: a descriptor of ours, and what moves a process into it. */
  cgroup?: { fd: number; move: (pid: number) => void } | undefined;
  /** What goes to the stub besides: StubProcess.extra from ENTER_EXTRA on. */
  extra?: readonly number[];
  /** Done in the stub before it enters. */
  before?: (boot: StubProcess) => void;
  /** What the process is for, as a trace calls it. */
  role: string;
  /** The property of config.json that wants it. */
  property?: string;
}

/**
 * A stub in all namespaces of a process, with its root directory. It is our child. Of a process that is not ours to
 * reap `startTime` tells whether it is still the one that is meant (ProcessIdentity).
 */
export function enterNamespaces(
  { pid, startTime }: Partial<ProcessIdentity> & { pid: number },
  options: EnterOptions,
): StubProcess {
  const pidfd = check(`open process ${pid}`, 'pidfd_open', pid, 0);
  let root = -1;
  try {
    const flags = foreignNamespaces(pid);
    root = openRoot(pid);
    // Looked at last: all that was opened by the number is of this process, or there is an error.
    if (startTime !== undefined && !isAlive(pid, startTime))
      throw TsociError.fromErrno(`enter the namespaces of process ${pid}`, ESRCH, 'it has ended');
    return enterThrough(options, { pid, pidfd, root, flags });
  } finally {
    for (const fd of [pidfd, root]) closeDescriptor(fd);
  }
}

/**
 * A process to enter: descriptors of itself and of its root, and flags of all its namespaces that are not ours.
 */
export interface EnterTarget {
  pid: number;
  pidfd: number;
  root: number;
  flags: number;
}

/** The same through descriptors that are open already. */
export function enterThrough(
  { stdio, preserved = [], cgroup, extra = [], before, role, property }: EnterOptions,
  { pid, pidfd, root, flags }: EnterTarget,
): StubProcess {
  const boot = StubProcess.spawn({ stdio, preserved, extra: [pidfd, root, cgroup?.fd ?? pidfd, ...extra] });
  boot.property = property;
  try {
    before?.(boot);
    const program = boot.program();
    // Processes of the container must not reach into this one while it comes in (CVE-2016-9962).
    setDumpable(program, false);
    // Without a user namespace to enter, clone3(2) puts the process into the cgroup: cheaper than moving it. The cgroup
    // must be visible from the cgroup namespace of who does that (nsdelegate), so that namespace comes after.
    // In a user namespace nobody may write to the cgroups above the container's, which takes moving as well as clone3(2);
    // and in there nobody may enter a cgroup namespace of the host. So both come before.
    const first = flags & CLONE_NEWUSER ? flags : flags & ~CLONE_NEWCGROUP;
    if (cgroup && flags & CLONE_NEWUSER) boot.outside(cgroup.move, undefined);
    if (first !== 0) program.call('setns', [boot.extra(0), first], `enter the namespaces of process ${pid}`);
    if (!(flags & CLONE_NEWNS)) {
      program.call('fchdir', [boot.extra(1)], 'change to the root of the container');
      program.call('chroot', ['.'], 'chroot into the root of the container');
    }
    boot.run(program);
    const into = cgroup && !(flags & CLONE_NEWUSER) ? boot.extra(2) : undefined;
    const stub = boot.clone(0, 'start a process in the container', into, role);
    stub.property = property;
    try {
      arrive(stub, pid, flags);
      return stub;
    } catch (error) {
      // Until it is reaped, init of its pid namespace cannot end.
      stub.dismiss();
      throw error;
    }
  } finally {
    boot.dismiss();
  }
}

function arrive(stub: StubProcess, pid: number, flags: number): void {
  if (flags & CLONE_NEWUSER) becomeRoot(stub);
  const program = stub.program();
  if (flags & CLONE_NEWCGROUP && !(flags & CLONE_NEWUSER)) {
    const doing = `enter the cgroup namespace of process ${pid}`;
    program.call('setns', [stub.extra(0), CLONE_NEWCGROUP], doing);
  }
  // Before any path of the container is followed: execve(2) closes them too late for a link to /proc/self/fd/N/../…
  // (CVE-2024-21626).
  for (let i = 0; i < ENTER_EXTRA; i++) program.close(stub.extra(i));
  stub.run(program);
}

/** Whether processes of a user namespace that the stub is in may reach into it and see its /proc/PID (ptrace(2)). */
export function setDumpable(program: Program, dumpable: boolean): void {
  const doing = `make the stub ${dumpable ? 'dumpable' : 'undumpable'}`;
  program.call('prctl', [PR_SET_DUMPABLE, dumpable ? 1 : 0, 0, 0, 0], doing);
}

/**
 * The user that is 0 in the user namespace, or else the first that it maps: whoever comes in is nobody there at first, who
 * can make no files (EOVERFLOW of mkdir(2)).
 */
export function becomeRoot(stub: StubProcess): void {
  const program = stub.program();
  // Groups are kept where setgroups(2) is denied, ids where it may not change them.
  program.call('setgroups', [0, null], 'give up groups', { ignored: [EPERM, EINVAL] });
  const group = becomeId(program, 'setresgid', 0);
  const user = becomeId(program, 'setresuid', 0);
  const results = stub.run(program);
  const other = stub.program();
  for (const [call, at, file] of [
    ['setresgid', group, 'gid_map'],
    ['setresuid', user, 'uid_map'],
  ] as const) {
    const first = results.at(at) === -EINVAL ? stub.outside((pid) => firstId(pid, file), 0) : undefined;
    if (first !== undefined) becomeId(other, call, first);
  }
  if (other.length > 0) stub.run(other);
}

function becomeId(program: Program, call: 'setresuid' | 'setresgid', id: number): number {
  const doing = `become ${call === 'setresuid' ? 'user' : 'group'} ${id} of the user namespace`;
  return program.call(call, [id, id, id], doing, { ignored: [EINVAL, EPERM] });
}

/** The first id that the user namespace of a process maps, as it is called there; undefined if it maps none. */
function firstId(pid: number, file: 'uid_map' | 'gid_map'): number | undefined {
  const [id] = readFileSync(`/proc/${pid}/${file}`, 'utf8').trim().split(/\s+/);
  return id ? Number(id) : undefined;
}

/** Flags of the namespace types in which a process differs from us: setns(2) refuses our own user namespace. */
function foreignNamespaces(pid: number): number {
  let flags = 0;
  for (const { flag, file } of Object.values(namespaceTypes)) {
    if (namespaceOf(pid, file) !== namespaceOf('self', file)) flags |= flag;
  }
  return flags;
}

/** What /proc/PID/ns/FILE links to: "net:[4026531840]". */
export function namespaceOf(pid: number | 'self', file: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/${file}`);
  } catch (error) {
    throw TsociError.from(`read the ${file} namespace of process ${pid}`, error);
  }
}

function openRoot(pid: number): number {
  try {
    return openSync(`/proc/${pid}/root`, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    throw TsociError.from(`open the root directory of process ${pid}`, error);
  }
}
