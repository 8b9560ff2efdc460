// The second half of `create`: from mounts in place to an init that has nothing left to do but wait for `start`.

import { fstatSync } from 'node:fs';
import type { Process, State } from '../config/generated/types.ts';
import { type HookSetting, runHooks } from '../hooks/hooks.ts';
import type { Caller } from '../linux/caller.ts';
import { EACCES, ELOOP, ENOENT } from '../linux/errno.ts';
import { TsociError } from '../linux/errors.ts';
import { enterNamespaces } from '../namespaces/enter.ts';
import { isolates } from '../namespaces/plan.ts';
import { finishRoot, openDevNull, type RootfsPlan } from '../rootfs/build.ts';
import { makeConsole } from '../rootfs/console.ts';
import type { RootContext } from '../rootfs/context.ts';
import { maskPaths, protectPaths } from '../rootfs/paths.ts';
import { openPrivateProc, writeSysctls } from '../rootfs/procfs.ts';
import { enterRoot } from '../rootfs/root.ts';
import { allCapabilities, capabilitiesOf, planCapabilities } from '../security/capabilities.ts';
import { checkLsms, enabledLsms, setExecLabels } from '../security/lsm.ts';
import { setOomScoreAdj } from '../security/oom-score.ts';
import type { StubProcess } from '../stub/process.ts';
import type { Program } from '../stub/program.ts';
import { passConsole } from './console.ts';
import { environment } from './environment.ts';
import { findExecutable } from './executable.ts';
import type { PreparedFilter } from './filter.ts';
import type { Init } from './init.ts';
import type { Bundle } from './prepare.ts';
import { becomeProcess, setLimitsOf, waitForStart } from './process.ts';

export interface FinishOptions {
  noPivot: boolean;
  /** How many of the inherited descriptors are for socket activation (sd_listen_fds(3)). */
  listenFds: number;
  consoleSocket?: string | undefined;
  /** The seccomp filter, if there is one. */
  filter: PreparedFilter | undefined;
  /** The state for its agent. */
  state: State;
  /** Takes the master of the terminal, when there is no console socket. */
  takeTerminal?: ((master: number) => void) | undefined;
}

/**
 * createContainer hooks, pivot_root, what comes after it; then the program that waits for `start`. Undefined for a
 * container without a process, which can never start.
 */
export function finishInit(
  caller: Caller,
  options: FinishOptions,
  { config, path: bundle }: Bundle,
  init: Init,
  root: { context: RootContext; plan: RootfsPlan } | undefined,
  hooks: HookSetting,
): Program {
  const { stub, namespaces } = init;
  const enter = (stdio: readonly [number, number, number]) => enterNamespaces(stub.pid, { stdio });
  // runtime.md#state: the pid as the hook sees it.
  const pid = isolates(namespaces, 'pid') ? ownPid(stub) : stub.pid;
  const state = JSON.stringify({ ...options.state, pid });
  runHooks('createContainer', config.hooks?.createContainer, { ...hooks, state, enter, cwd: bundle });
  const lsms = { ...config.process, mountLabel: config.linux?.mountLabel };
  const enabled = lsms.apparmorProfile || lsms.selinuxLabel || lsms.mountLabel ? enabledLsms() : undefined;
  if (enabled) checkLsms(lsms, enabled);
  const sysctl = config.linux?.sysctl ?? {};
  if (enabled || Object.keys(sysctl).length > 0) {
    const opening = stub.program();
    const proc = openPrivateProc(opening);
    stub.run(opening);
    writeSysctls(stub, proc, sysctl);
    if (enabled) {
      const labelling = stub.program();
      setExecLabels(labelling, lsms, enabled, { procfs: proc, pid });
      stub.run(labelling);
    }
    const closing = stub.program();
    closing.close(proc);
    stub.run(closing);
  }
  if (root) enterContainerRoot(caller, options, { config, bundle }, init, root);
  setOomScoreAdj(stub.pid, config.process?.oomScoreAdj);
  return lastProgram(caller, options, config, init);
}

function enterContainerRoot(
  caller: Caller,
  options: FinishOptions,
  { config }: { config: Bundle['config']; bundle: string },
  { stub }: Init,
  { context, plan }: { context: RootContext; plan: RootfsPlan },
): void {
  const { maskedPaths = [], readonlyPaths = [] } = config.linux ?? {};
  if (config.process?.terminal) {
    const master = makeConsole(context, config.process.consoleSize, plan.devices !== undefined);
    passConsole(caller, master, options);
  }
  const opening = stub.program();
  const devNull = openDevNull(opening);
  stub.run(opening);
  enterRoot(stub, context.root, options.noPivot ? 'no-pivot' : 'pivot_root');
  protectPaths(context, readonlyPaths);
  maskPaths(context, maskedPaths, devNull);
  const program = stub.program();
  finishRoot(program, context.root, plan);
  program.close(devNull);
  program.close(context.root);
  stub.run(program);
}

function lastProgram(caller: Caller, options: FinishOptions, config: Bundle['config'], init: Init): Program {
  const { stub, namespaces } = init;
  const { process } = config;
  const { filter } = options;
  const sweep = stub.program();
  // Nothing of the host stays with a waiting init but what it waits on.
  sweep.closeFrom(filter?.agent === undefined ? init.agent : init.agent + 1);
  stub.run(sweep);
  const program = stub.program();
  waitForStart(program, stub.control, init.listener);
  if (!process) {
    // runtime.md#start: an error without `process`. `start` refuses before it comes to this.
    program.call('exit_group', [1], 'exit');
    return program;
  }
  const userNamespace = isolates(namespaces, 'user');
  const { uid = 0, umask } = process.user ?? {};
  const cwd = changeDirectory(stub, process.cwd);
  const env = environment(stub, process.env ?? [], uid, options.listenFds);
  const executable = findExecutable(stub, process.args?.[0] ?? '', env);
  const capabilities = planCapabilities(
    process.capabilities,
    userNamespace ? allCapabilities() : capabilitiesOf('self'),
  );
  for (const warning of capabilities.warnings) caller.warn(warning);
  if (userNamespace) setLimitsOf(stub.pid, process);
  becomeProcess(program, {
    process,
    linux: config.linux,
    executable,
    env,
    capabilities,
    umask: umask ?? init.umask,
    limits: !userNamespace,
    setgroups: !init.setgroupsDenied,
    ownedStdio: ownedStdio(caller, process),
    cwd,
    seccomp: filter && ((last) => filter.install(last, init.agent, options.state, stub.pid)),
  });
  return program;
}

/** As root; a directory that only the user may enter is tried again as the user. */
export function changeDirectory(stub: StubProcess, cwd: string): 'done' | 'as-user' {
  const program = stub.program();
  const changed = program.call('chdir', [cwd], `change to process.cwd ${cwd}`, { ignored: [EACCES] });
  const text = Buffer.alloc(4096);
  const length = program.call('getcwd', [text, text.length], 'get the working directory', {
    ignored: [ENOENT, ELOOP],
  });
  const results = stub.run(program);
  if (results.at(changed) !== 0) return 'as-user';
  // A directory outside the root shows as "(unreachable)…": somebody's descriptor led there (CVE-2024-21626).
  const directory = results
    .bytes(text)
    .subarray(0, Math.max(0, results.at(length) - 1))
    .toString();
  if (!directory.startsWith('/')) throw new TsociError(`process.cwd ${cwd} is outside the root filesystem`);
  return 'done';
}

/** The pid that a stub has in its own pid namespace. */
export function ownPid(stub: StubProcess): number {
  const program = stub.program();
  const pid = program.call('getpid', [], 'get the pid');
  return stub.run(program).at(pid);
}

/** Which of the standard streams the process's user should own, to be able to open them again by name. */
export function ownedStdio(caller: Caller, { terminal, user }: Process): number[] {
  return [0, 1, 2].filter((fd) => terminal || isWorthOwning(caller.stdio[fd] ?? fd, user?.uid ?? 0));
}

/** /dev/null belongs to everybody, and what the user owns already needs nothing. */
function isWorthOwning(fd: number, uid: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.uid !== uid && !(stat.isCharacterDevice() && stat.rdev === NULL_DEVICE);
  } catch {
    return false;
  }
}

/** makedev(1, 3). */
const NULL_DEVICE = 0x103;
