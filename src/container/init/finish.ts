// The second half of `create`: from mounts in place to an init that has nothing left to do but wait for `start`.

import type { Config, State } from '../../config/generated/types.ts';
import { type HookSetting, runHooks } from '../../hooks/hooks.ts';
import type { Caller } from '../../linux/caller.ts';
import { enterNamespaces, setDumpable } from '../../namespaces/enter.ts';
import { joins } from '../../namespaces/namespace-plan.ts';
import { finishRoot, openDevNull, type RootfsPlan } from '../../rootfs/build.ts';
import { makeConsole } from '../../rootfs/console.ts';
import type { RootContext } from '../../rootfs/context.ts';
import { guardPaths } from '../../rootfs/guarded-paths.ts';
import { enterRoot } from '../../rootfs/root.ts';
import { writeSysctls } from '../../rootfs/sysctls.ts';
import { openProcfs } from '../../security/checked-procfs.ts';
import { type Program, withProperty } from '../../stub/program.ts';
import type { Bundle } from '../create/bundle.ts';
import { labelProcess, labelsOf, lsmsFor, prepareProcess, propertyOf } from './become.ts';
import { passConsole } from './console-socket.ts';
import { waitForStart } from './process.ts';
import type { PreparedFilter } from './seccomp-filter.ts';
import type { Init } from './spawn.ts';

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
  /** A stub in init's namespaces, for hooks, where init is no process. */
  enter?: HookSetting['enter'];
}

/**
 * createContainer hooks, pivot_root, what comes after it; then the program that waits for `start`.
 */
export function finishInit(
  caller: Caller,
  options: FinishOptions,
  { config, path: bundle }: Bundle,
  init: Init,
  root: { context: RootContext; plan: RootfsPlan } | undefined,
  hooks: HookSetting,
): Program {
  const { stub } = init;
  const enter: HookSetting['enter'] =
    options.enter ?? ((stdio, property) => enterNamespaces(stub, { stdio, role: 'hook', property }));
  // runtime.md#state: the pid as the hook sees it.
  const state = JSON.stringify({ ...options.state, pid: init.pidInside });
  runHooks('createContainer', config.hooks?.createContainer, { ...hooks, state, enter, cwd: bundle });
  writeToProc(config, init);
  if (root) enterContainerRoot(caller, options, config, init, root);
  return lastProgram(caller, options, config, init);
}

/** Sysctls and labels. */
function writeToProc(config: Config, { stub, pidInside }: Init): void {
  const labels = labelsOf(config);
  const enabled = lsmsFor(labels);
  const sysctl = config.linux?.sysctl ?? {};
  if (!enabled && Object.keys(sysctl).length === 0) return;
  const wants = Object.keys(sysctl).length > 0 ? 'linux.sysctl' : propertyOf(labels);
  const procfs = withProperty(stub, wants, () => openProcfs(stub));
  writeSysctls(stub, procfs, sysctl);
  if (enabled) labelProcess(stub, labels, enabled, { procfs, pid: pidInside });
  const closing = stub.program();
  closing.close(procfs);
  stub.run(closing);
}

function enterContainerRoot(
  caller: Caller,
  options: FinishOptions,
  config: Config,
  { stub }: Init,
  { context, plan }: { context: RootContext; plan: RootfsPlan },
): void {
  const { maskedPaths = [], readonlyPaths = [] } = config.linux ?? {};
  if (config.process?.terminal) {
    const { consoleSize } = config.process;
    const master = withProperty(stub, 'process.terminal', () =>
      makeConsole(context, consoleSize, plan.devices !== undefined),
    );
    passConsole(caller, master, options);
  }
  const opening = stub.program();
  const devNull = openDevNull(opening);
  stub.later(opening);
  enterRoot(stub, context.root, options.noPivot ? 'no-pivot' : 'pivot_root');
  guardPaths(context, readonlyPaths, maskedPaths, devNull);
  const program = stub.program();
  finishRoot(program, context.root, plan);
  program.close(devNull);
  program.close(context.root);
  stub.later(program);
}

function lastProgram(caller: Caller, options: FinishOptions, config: Config, init: Init): Program {
  const { stub } = init;
  const { process } = config;
  const { filter } = options;
  const sweep = stub.program();
  // Nothing of the host stays with a waiting init but what it waits on.
  sweep.closeFrom(filter?.agent === undefined ? init.agent : init.agent + 1);
  // `exec` and hooks of an ordinary user come in through its /proc/PID.
  if (caller.uid !== 0 && joins(init.namespaces, 'user')) setDumpable(sweep, true);
  stub.later(sweep);
  const program = stub.program();
  waitForStart(program, stub.control, init.listener);
  if (!process) {
    // runtime.md#start: an error without `process`. `start` refuses before it comes to this.
    program.call('exit_group', [1], 'exit');
    return program;
  }
  prepareProcess(caller, stub, program, {
    process,
    linux: config.linux,
    listenFds: options.listenFds,
    umask: process.user?.umask ?? init.umask,
    setgroupsDenied: init.setgroupsDenied,
    seccomp: filter && ((last) => filter.install(last, init.agent, options.state, stub.pid)),
  });
  return program;
}
