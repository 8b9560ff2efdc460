// Another process in a container: the namespaces, the cgroup and the confinement of its init.

import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { moveThrough } from '../cgroups/cgroup-processes.ts';
import { cgroupOfProcess, findHierarchy } from '../cgroups/hierarchy.ts';
import { subCgroup } from '../cgroups/path.ts';
import type { Config, Process } from '../config/generated/types.ts';
import type { Caller } from '../linux/caller.ts';
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH, SIGKILL } from '../linux/constants.ts';
import { closeDescriptor } from '../linux/descriptor.ts';
import { TsociError } from '../linux/errors.ts';
import { syscall } from '../linux/ffi.ts';
import type { ProcessIdentity } from '../linux/procfs.ts';
import { SYS } from '../linux/syscalls.ts';
import { readTextFile } from '../linux/text-file.ts';
import { reap } from '../linux/wait.ts';
import { ENTER_EXTRA, enterNamespaces } from '../namespaces/enter.ts';
import { makeConsole } from '../rootfs/console.ts';
import { setFinalAffinity, setInitialAffinity } from '../security/affinity.ts';
import { withCapabilities } from '../security/capabilities.ts';
import { openProcfs } from '../security/checked-procfs.ts';
import { joinSessionKeyring } from '../security/keyring.ts';
import { setOomScoreAdj } from '../security/oom-score.ts';
import { withProperty } from '../stub/program.ts';
import type { StubProcess } from '../stub/stub-process.ts';
import { attend, Signals } from './attach/foreground.ts';
import { loadParts, type Parts } from './create/parts.ts';
import { writePidFile } from './create/pid-file.ts';
import { labelKeyring, labelProcess, lsmsFor, ownPid, prepareProcess, propertyOf } from './init/become.ts';
import { checkConsole, passConsole } from './init/console-socket.ts';
import type { PreparedFilter } from './init/seccomp-filter.ts';
import { checkUser, inheritedDescriptors } from './init/spawn.ts';
import { withLock } from './state/lock.ts';
import { stateOf } from './state/oci-state.ts';
import type { ContainerRecord } from './state/record.ts';
import { readSavedConfig } from './state/saved.ts';
import { containerDirectory, currentStatus, readRecord } from './state/store.ts';

export interface ExecOptions {
  root: string;
  id: string;
  /** The command; empty with a process file. */
  args: readonly string[];
  /** A file with a process object in place of the command. */
  processFile: string | undefined;
  tty: boolean;
  user: { uid: number; gid?: number } | undefined;
  additionalGids: readonly number[];
  cwd: string | undefined;
  env: readonly string[];
  capabilities: readonly string[];
  noNewPrivileges: boolean;
  apparmorProfile: string | undefined;
  selinuxLabel: string | undefined;
  /** A cgroup below the container's. */
  cgroup: string | undefined;
  detach: boolean;
  pidFile: string | undefined;
  consoleSocket: string | undefined;
  preserveFds: number;
  ignorePaused: boolean;
}

/** Executes a process; the exit status, once it has ended, or 0 with `detach`. */
export async function execInContainer(caller: Caller, options: ExecOptions): Promise<number> {
  let terminal: number | undefined;
  const inForeground = !options.detach && !options.consoleSocket;
  const takeTerminal = inForeground
    ? (master: number) => {
        terminal = master;
      }
    : undefined;
  // Not while it enters: the container can hold a process up that comes in, and must not keep `delete` from working.
  const { record, init } = withLock(options.root, options.id, (directory) =>
    liveContainer(directory, options),
  );
  const config = readSavedConfig(containerDirectory(options.root, options.id));
  const parts = await loadParts(config);
  const given =
    options.processFile === undefined ? undefined : await readProcess(options.processFile, caller);
  const process = planProcess(config, given, options);
  const { uidMappings, gidMappings } = config.linux ?? {};
  if (uidMappings?.length && gidMappings?.length) checkUser(process, uidMappings, gidMappings);
  const plan = { record, init, config, parts, process };
  checkConsole(plan.process.terminal ?? false, { ...options, takeTerminal });
  const pid = spawn(caller, options, plan, takeTerminal);
  const signals = options.detach ? undefined : new Signals();
  try {
    if (options.pidFile) writePidFile(resolve(caller.cwd, options.pidFile), pid);
  } catch (error) {
    syscall(SYS.kill, pid, SIGKILL);
    reap(pid);
    throw error;
  }
  return signals ? attend(caller, pid, terminal, signals) : 0;
}

function liveContainer(
  directory: string,
  { root, id, ignorePaused }: ExecOptions,
): { record: ContainerRecord; init: ProcessIdentity } {
  const record = readRecord(root, id);
  const status = currentStatus(directory, record);
  const alive = status === 'running' || status === 'created' || (status === 'paused' && ignorePaused);
  if (!alive || !record.init) throw new TsociError(`exec in ${id}: the container is ${status}`);
  return { record, init: record.init };
}

interface ExecPlan {
  record: ContainerRecord;
  init: ProcessIdentity;
  config: Config;
  parts: Parts;
  process: Process;
}

/** The process of the container with what the options say instead, or that of the process file. */
function planProcess(config: Config, given: Process | undefined, options: ExecOptions): Process {
  const process: Process = { cwd: '/', ...(given ?? config.process) };
  if (options.args.length > 0) process.args = [...options.args];
  if (!process.args?.length) throw new TsociError('exec: process.args is empty');
  // A terminal is for who asks for one, not for who comes after.
  process.terminal = given?.terminal || options.tty;
  if (!given) delete process.consoleSize;
  if (options.cwd !== undefined) process.cwd = options.cwd;
  if (options.user)
    process.user = { umask: process.user?.umask, ...options.user, gid: options.user.gid ?? 0 } as never;
  if (options.additionalGids.length > 0) {
    process.user = { uid: 0, gid: 0, ...process.user, additionalGids: [...options.additionalGids] };
  }
  if (options.env.length > 0) process.env = [...(process.env ?? []), ...options.env];
  if (options.capabilities.length > 0) {
    process.capabilities = withCapabilities(process.capabilities, options.capabilities);
  }
  if (options.noNewPrivileges) process.noNewPrivileges = true;
  if (options.apparmorProfile) process.apparmorProfile = options.apparmorProfile;
  if (options.selinuxLabel) process.selinuxLabel = options.selinuxLabel;
  return process;
}

/** The process of a file, checked like that of a config.json. The validators are loaded for it alone. */
async function readProcess(path: string, caller: Caller): Promise<Process> {
  const { loadProcess } = await import('../config/load.ts');
  const { describe } = await import('../config/finding.ts');
  const { value, warnings } = loadProcess(readTextFile(path, { fifo: true }), path);
  for (const warning of warnings) {
    // What becomes of capabilities is told when it is known what can be granted.
    if (!warning.pointer.startsWith('/capabilities/')) caller.warn(describe(warning));
  }
  return value;
}

function spawn(
  caller: Caller,
  options: ExecOptions,
  plan: ExecPlan,
  takeTerminal: ((master: number) => void) | undefined,
): number {
  const { record, init, process } = plan;
  const inherited = inheritedDescriptors(caller, options.preserveFds);
  using opened = new DisposableStack();
  const cgroup = openCgroup(record, init, options.cgroup);
  if (cgroup !== undefined) opened.defer(() => closeSync(cgroup));
  const filter = plan.parts.filter?.prepareFilter(plan.config, options.root);
  const agent = filter?.agent;
  if (agent !== undefined) opened.defer(() => closeDescriptor(agent));
  const stub = enterNamespaces(init, {
    role: 'exec',
    stdio: caller.stdio,
    preserved: inherited.descriptors,
    cgroup: cgroup === undefined ? undefined : { fd: cgroup, move: (pid) => moveThrough(cgroup, pid) },
    extra: agent === undefined ? [] : [agent],
    before: (boot) => {
      const program = boot.program();
      program.property = 'process.execCPUAffinity';
      setInitialAffinity(program, process.execCPUAffinity);
      if (program.length > 0) boot.run(program);
      // Its clone has the same; the files of an undumpable process in /proc are root's.
      const { oomScoreAdj } = process;
      if (oomScoreAdj !== undefined) boot.outside((pid) => setOomScoreAdj(pid, oomScoreAdj), undefined);
    },
  });
  try {
    stub.outside((pid) => joinClass(plan, pid), undefined);
    become(caller, { ...options, ...inherited, filter, takeTerminal }, plan, stub);
    return stub.pid;
  } catch (error) {
    stub.dismiss();
    throw error;
  }
}

interface BecomeOptions {
  consoleSocket: string | undefined;
  takeTerminal: ((master: number) => void) | undefined;
  listenFds: number;
  filter: PreparedFilter | undefined;
}

function become(
  caller: Caller,
  options: BecomeOptions,
  { record, config, process }: ExecPlan,
  stub: StubProcess,
): void {
  if (record.keyring) labelKeyring(stub, process);
  const session = stub.program();
  session.call('setsid', [], 'start a session');
  if (record.keyring) joinSessionKeyring(session, record.id);
  stub.run(session);
  if (process.terminal) {
    const program = stub.program();
    const root = program.open(
      'openat',
      [AT_FDCWD, '/', O_PATH | O_DIRECTORY | O_CLOEXEC, 0],
      'open the root',
    );
    stub.run(program);
    const master = makeConsole({ init: stub, root }, process.consoleSize, false);
    passConsole(caller, master, options);
    closeIn(stub, root);
  }
  label(stub, process);
  const { filter } = options;
  const state = stateOf(record, 'running', record.init?.pid ?? 0);
  const program = stub.program();
  program.property = 'process.execCPUAffinity';
  setFinalAffinity(program, process.execCPUAffinity);
  prepareProcess(caller, stub, program, {
    process,
    linux: config.linux,
    listenFds: options.listenFds,
    umask: process.user?.umask,
    setgroupsDenied: record.setgroupsDenied ?? false,
    seccomp: filter && ((last) => filter.install(last, stub.extra(ENTER_EXTRA), state, stub.pid)),
  });
  stub.exec(program);
}

function label(stub: StubProcess, process: Process): void {
  const { apparmorProfile, selinuxLabel } = process;
  const enabled = lsmsFor({ apparmorProfile, selinuxLabel });
  if (!enabled) return;
  withProperty(stub, propertyOf(process), () => {
    const procfs = openProcfs(stub);
    labelProcess(stub, process, enabled, { procfs, pid: ownPid(stub) });
    closeIn(stub, procfs);
  });
}

/** Nothing that leads anywhere stays open when paths of the container are followed. */
function closeIn(stub: StubProcess, fd: number): void {
  const program = stub.program();
  program.close(fd);
  stub.run(program);
}

/** linux.intelRdt. */
function joinClass({ record, config, parts }: ExecPlan, pid: number): void {
  const { intelRdt } = config.linux ?? {};
  if (!parts.intelRdt || !intelRdt) return;
  const { findResctrl, joinIntelRdt } = parts.intelRdt;
  joinIntelRdt(intelRdt, record.intelRdt ?? {}, { id: record.id, pid, resctrl: findResctrl() });
}

/**
 * The container's cgroup, or one below it. Where the container has divided its cgroup among its own, processes can
 * only be in those (cgroups(7), no internal processes): then that of init.
 */
function openCgroup(
  record: ContainerRecord,
  init: ProcessIdentity,
  sub: string | undefined,
): number | undefined {
  if (!record.cgroup) return undefined;
  const directory = sub === undefined ? usableCgroup(record.cgroup, init.pid) : subCgroup(record.cgroup, sub);
  try {
    return openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    throw TsociError.from(`open cgroup ${directory}`, error);
  }
}

function usableCgroup(directory: string, initPid: number): string {
  if (readFileSync(join(directory, 'cgroup.subtree_control'), 'utf8').trim() === '') return directory;
  return join(findHierarchy()?.mountPoint ?? '/', cgroupOfProcess(initPid));
}
