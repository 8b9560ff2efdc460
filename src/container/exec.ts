// Another process in a container: the namespaces, the cgroup and the confinement of its init.

import { closeSync } from 'node:fs';
import type { Process } from '../config/generated/types.ts';
import type { Caller } from '../launcher/caller.ts';
import { attempt, onceOnly } from '../linux/attempt.ts';
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH, SIGKILL } from '../linux/constants.ts';
import { closeDescriptor } from '../linux/descriptor.ts';
import { TsociError } from '../linux/errors.ts';
import { syscall } from '../linux/ffi.ts';
import type { ProcessIdentity } from '../linux/procfs.ts';
import { SYS } from '../linux/syscalls.ts';
import { CallerGone } from '../linux/wanted.ts';
import { ENTER_EXTRA } from '../namespaces/enter.ts';
import { checkMapped } from '../namespaces/mappings.ts';
import { makeConsole } from '../rootfs/console.ts';
import { setFinalAffinity } from '../security/affinity.ts';
import type { StubProcess } from '../stub/stub-process.ts';
import {
  type Container,
  enterContainer,
  joinSession,
  openCgroup,
  resolveAnother,
} from './another-process.ts';
import { exitStatus, explainEnd, oomKillsIn } from './attach/end.ts';
import { attend } from './attach/foreground.ts';
import { importModules } from './create/optional-modules.ts';
import { writePidFile } from './create/pid-file.ts';
import { sendPidfd } from './create/pidfd-socket.ts';
import { execProcess, type ProcessOptions } from './exec-process.ts';
import { explainingSource } from './exec-source.ts';
import { adaptTerminal, checkConsole, sendTerminal } from './init/console-socket.ts';
import { inheritedDescriptors } from './init/inherited-descriptors.ts';
import { reopenNull } from './init/null-stdio.ts';
import { confineProcess, executeProcess } from './init/sequence.ts';
import { withLock } from './state/lock.ts';
import { stateOf } from './state/oci-state.ts';
import type { ContainerRecord } from './state/record.ts';
import { readSavedConfig } from './state/saved.ts';
import { unlessStopped } from './state/stopped-meanwhile.ts';
import { containerDirectory, currentStatus, readRecord } from './state/store.ts';

export interface ExecOptions extends ProcessOptions {
  root: string;
  id: string;
  /** A cgroup below the container's. */
  cgroup: string | undefined;
  detach: boolean;
  pidFile: string | undefined;
  pidfdSocket: string | undefined;
  consoleSocket: string | undefined;
  preserveFds: number;
  ignorePaused: boolean;
}

/** Executes a process; the exit status, once it has ended, or 0 with `detach`. */
export async function execInContainer(caller: Caller, options: ExecOptions): Promise<number> {
  // The lock is held only here: a container can hold up a process that enters it, and must not hold up `delete` with it.
  const { record, init } = withLock(options.root, options.id, (directory) =>
    liveContainer(directory, options),
  );
  const alive = <T>(act: () => T) => unlessStopped(`exec in ${options.id}`, init, act);
  const config = alive(() => readSavedConfig(containerDirectory(options.root, options.id)));
  const modules = await importModules(config, { systemd: false });
  const { process, file } = await execProcess(caller, config.process, options);
  const explaining = <T>(act: () => T) => explainingSource(options.id, options, file, act);
  const keepTerminal = !options.detach && !options.consoleSocket;
  explaining(() => {
    const { uidMappings, gidMappings } = config.linux ?? {};
    if (uidMappings?.length && gidMappings?.length) checkMapped(process.user, uidMappings, gidMappings);
    checkConsole(process.terminal ?? false, { ...options, keepTerminal });
  });
  const plan = { record, init, config, modules, process };
  // None is lost that comes before the process is there.
  if (!options.detach) caller.signals.hold();
  const killsBefore = oomKillsIn(record.cgroup);
  const entering = () => spawn(caller, { ...options, keepTerminal }, plan);
  const { pid, terminal } = alive(() => explaining(() => onceOnly(entering)));
  const end = (error: unknown): never => {
    syscall(SYS.kill, pid, SIGKILL);
    caller.launcher.wait(pid);
    throw error;
  };
  try {
    if (options.pidFile) writePidFile(options.pidFile, pid);
    if (options.pidfdSocket) sendPidfd(options.pidfdSocket, pid, 'setns');
  } catch (error) {
    if (terminal !== undefined) closeDescriptor(terminal);
    end(error);
  }
  if (options.detach) return 0;
  const status = await attend(caller, pid, { terminal }).catch((error: unknown) => {
    // Who kills tsoci alone leaves the process to go on.
    if (error instanceof CallerGone) throw error;
    return end(error);
  });
  const why = explainEnd({ pid, status, cgroup: record.cgroup, killsBefore });
  if (why) caller.warn(why);
  return exitStatus(status);
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

interface ExecPlan extends Container {
  record: ContainerRecord;
  process: Process;
}

/** Starts the process. `terminal` is our descriptor of the master, if it is kept here. */
function spawn(
  caller: Caller,
  options: ExecOptions & { keepTerminal: boolean },
  plan: ExecPlan,
): { pid: number; terminal: number | undefined } {
  const { record, init, config, modules, process } = plan;
  const { count, variables } = inheritedDescriptors(caller, options.preserveFds);
  using opened = new DisposableStack();
  const cgroup = openCgroup(record, init, options);
  if (cgroup) opened.defer(() => closeSync(cgroup.fd));
  const filter = modules.seccomp?.prepareFilter(config, options.root);
  const agent = filter?.agent;
  if (agent !== undefined) opened.defer(() => closeDescriptor(agent));

  const stub = enterContainer(init, process, {
    role: 'exec',
    launcher: caller.launcher,
    stdio: caller.stdio,
    preserved: count,
    cgroup,
    extra: agent === undefined ? [] : [agent],
  });
  using failing = new DisposableStack();
  try {
    joinSession(stub, plan, process);
    const terminal = process.terminal ? makeTerminal(stub, process) : undefined;
    if (terminal !== undefined && options.keepTerminal) {
      failing.defer(() => closeDescriptor(terminal));
      adaptTerminal(caller, terminal);
    } else if (terminal !== undefined) sendTerminal(terminal, options.consoleSocket);
    if (!process.terminal) reopenNull(stub, caller.stdio);
    const state = stateOf(record, 'running', init.pid);
    const seccomp = filter && { filter, agent: stub.extra(ENTER_EXTRA), state, pid: stub.pid };
    const resolved = attempt(undefined, () => resolveAnother(caller, stub, plan, { process, variables }));
    const program = stub.program();
    setFinalAffinity(program.for('process.execCPUAffinity'), process.execCPUAffinity);
    confineProcess(program, resolved, seccomp !== undefined);
    executeProcess(program, resolved, seccomp);
    stub.exec(program);
    failing.move();
    return { pid: stub.pid, terminal: options.keepTerminal ? terminal : undefined };
  } catch (error) {
    stub.dismiss();
    throw error;
  }
}

/** process.terminal: on the container's devpts. The descriptor of the master is ours. */
function makeTerminal(stub: StubProcess, { consoleSize }: Process): number {
  const program = stub.program();
  const root = program.open('openat', [AT_FDCWD, '/', O_PATH | O_DIRECTORY | O_CLOEXEC, 0], 'open the root');
  stub.run(program);
  const master = makeConsole({ init: stub, root }, consoleSize, false);
  // No descriptor of a directory may be open when paths of the container are followed: a link to /proc/self/fd/N would lead
  // through it (CVE-2024-21626).
  const closing = stub.program();
  closing.close(root);
  stub.run(closing);
  return master;
}
