// Entering the namespaces of a process: for `exec`, for hooks in the container's namespaces, and for `ns enter`.

import { constants, openSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { moveProcess } from '../cgroups/cgroup-processes.ts';
import type { EnteredCgroup } from '../cgroups/entered-cgroup.ts';
import { CLONE_NEWCGROUP, CLONE_NEWUSER, PR_SET_DUMPABLE } from '../linux/constants.ts';
import { check, closeDescriptor } from '../linux/descriptor.ts';
import { EINVAL, EPERM, ESRCH } from '../linux/errno.ts';
import { TsociError } from '../linux/errors.ts';
import { isAlive, type ProcessIdentity } from '../linux/procfs.ts';
import type { Launcher } from '../stub/launcher.ts';
import type { Program } from '../stub/program.ts';
import { StubProcess } from '../stub/stub-process.ts';
import { allTypes, type NamespaceType, namespaceTypes } from './namespace-plan.ts';

/** How many extra descriptors the stub has for entering; they are closed when it has. */
export const ENTER_EXTRA = 3;
/** Their places. */
const PIDFD = 0;
const ROOT = 1;
const CGROUP = 2;

/** A process to enter: descriptors of ours, and flags of the namespaces in which it differs from us. */
export interface EnterTarget {
  pid: number;
  pidfd: number;
  /** Its root directory; undefined where its mount namespace is not to be entered. */
  root: number | undefined;
  flags: number;
}

export interface EnterOptions {
  launcher: Launcher;
  stdio: readonly [number, number, number];
  /** How many of the launcher's descriptors, from 3 on, it inherits. */
  preserved?: number;
  /** The cgroup that the process starts in. */
  cgroup?: EnteredCgroup | undefined;
  /** What goes to the stub besides: StubProcess.extra from ENTER_EXTRA on. */
  extra?: readonly number[];
  /** What the process is for, as a trace calls it. */
  role: string;
  /** The property of config.json that wants it. */
  property?: string;
}

/** A stub in all namespaces of a process, with its root directory. It is our child. */
export function enterNamespaces(
  process: Partial<ProcessIdentity> & { pid: number },
  options: EnterOptions,
  types?: readonly NamespaceType[],
): StubProcess {
  using target = openTarget(process, types);
  return enterTarget(target, options);
}

/** The same for a process that is open already. */
export function enterTarget(target: EnterTarget, options: EnterOptions): StubProcess {
  using boot = spawnBoot(target, options);
  return cloneInto(boot, target, options);
}

/**
 * Opens a process, all of its namespaces or those of `types`. Of a process that is not ours to reap `startTime` tells
 * whether it is still the one that is meant (ProcessIdentity).
 */
export function openTarget(
  { pid, startTime }: Partial<ProcessIdentity> & { pid: number },
  types: readonly NamespaceType[] = allTypes,
): EnterTarget & Disposable {
  using opened = new DisposableStack();
  const keep = (fd: number) => opened.adopt(fd, closeDescriptor);
  const pidfd = keep(check(`open process ${pid}`, 'pidfd_open', pid, 0));
  const flags = foreignNamespaces(pid, types);
  const root = types.includes('mount') ? keep(openRoot(pid)) : undefined;
  // Looked at last: all that was opened by the number is of this process, or there is an error.
  if (startTime !== undefined && !isAlive(pid, startTime))
    throw TsociError.fromErrno(`enter the namespaces of process ${pid}`, ESRCH, 'it has ended');
  const ours = opened.move();
  return { pid, pidfd, root, flags, [Symbol.dispose]: () => ours.dispose() };
}

/** Starts a stub that has the descriptors of the target. It is still in our namespaces. */
export function spawnBoot(
  { pidfd, root }: EnterTarget,
  { launcher, stdio, preserved = 0, cgroup, extra = [], property }: EnterOptions,
): StubProcess {
  // A place without a descriptor of its own is filled with one that the stub has anyway.
  const places = [pidfd, root ?? pidfd, cgroup?.fd ?? pidfd];
  const boot = StubProcess.spawn(launcher, { stdio, preserved, extra: [...places, ...extra] });
  boot.property = property;
  return boot;
}

/** Moves that stub into the namespaces of the target, and clones it there. After that it is of no use any more. */
export function cloneInto(
  boot: StubProcess,
  { pid, root, flags }: EnterTarget,
  { cgroup, role, property }: EnterOptions,
): StubProcess {
  const program = boot.program();
  // Processes of the container must not reach into this one while it comes in (CVE-2016-9962).
  setDumpable(program, false);
  // Where no user namespace is entered, clone3(2) starts the process in the cgroup, which costs less than moving it. The
  // stub must see the cgroup from its own cgroup namespace (cgroups(7), nsdelegate), so the container's is entered later.
  // From a user namespace no process can be brought into the cgroup, since that takes writing to the cgroups above it; nor
  // can a cgroup namespace of the host be entered. So where one is entered, both are done before it.
  const user = (flags & CLONE_NEWUSER) !== 0;
  if (user && cgroup !== undefined) boot.onHost((own) => moveProcess(cgroup.directory, own));
  const first = user ? flags : flags & ~CLONE_NEWCGROUP;
  if (first !== 0)
    program.call('setns', [boot.extra(PIDFD), first], `enter the namespaces of process ${pid}`);
  if (root !== undefined) {
    program.call('fchdir', [boot.extra(ROOT)], `change to the root of process ${pid}`);
    program.call('chroot', ['.'], `chroot into the root of process ${pid}`);
  }
  boot.run(program);
  const into = cgroup === undefined || user ? undefined : boot.extra(CGROUP);
  // Only a child is in a pid namespace that was entered.
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
}

function arrive(stub: StubProcess, pid: number, flags: number): void {
  if (flags & CLONE_NEWUSER) becomeRoot(stub);
  const program = stub.program();
  if (flags & CLONE_NEWCGROUP && !(flags & CLONE_NEWUSER)) {
    const doing = `enter the cgroup namespace of process ${pid}`;
    program.call('setns', [stub.extra(PIDFD), CLONE_NEWCGROUP], doing);
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
 * Becomes user and group 0 of the user namespace or, where it maps no 0, the first that it maps. A process that enters a
 * user namespace keeps its ids. Those may not be mapped there, and with such ids it can make no files (mkdir(2): EOVERFLOW).
 */
export function becomeRoot(stub: StubProcess): void {
  const program = stub.program();
  // What is refused is ignored: the groups stay where setgroups(2) is denied, and the ids where it may not change them.
  program.call('setgroups', [0, null], 'give up groups', { ignored: [EPERM, EINVAL] });
  const group = becomeId(program, 'setresgid', 0);
  const user = becomeId(program, 'setresuid', 0);
  const results = stub.run(program);
  const other = stub.program();
  for (const [call, at, file] of [
    ['setresgid', group, 'gid_map'],
    ['setresuid', user, 'uid_map'],
  ] as const) {
    const first = results.at(at) === -EINVAL ? stub.onHost((pid) => firstId(pid, file)) : undefined;
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

/** Flags of those types in which a process differs from us: setns(2) refuses our own user namespace. */
function foreignNamespaces(pid: number, types: readonly NamespaceType[]): number {
  let flags = 0;
  for (const type of types) {
    const { flag, file } = namespaceTypes[type];
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

/** Whether a path leads to the namespace of that type that we are in. */
export function isOurs(type: NamespaceType, path: string): boolean {
  const ours = `/proc/self/ns/${namespaceTypes[type].file}`;
  const [one, two] = [path, ours].map((file) => statSync(file, { throwIfNoEntry: false }));
  // Not the text of a link: /run/netns/NAME is a file that the namespace is bound to.
  return one !== undefined && one.ino === two?.ino && one.dev === two.dev;
}

function openRoot(pid: number): number {
  try {
    return openSync(`/proc/${pid}/root`, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    throw TsociError.from(`open the root directory of process ${pid}`, error);
  }
}
