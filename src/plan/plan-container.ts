// What `create` and `start` would have stubs execute, without stubs.

import { accessSync, constants, existsSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { State } from '../config/generated/types.ts';
import { listOf } from '../config/variables.ts';
import { checkCgroup, planCgroup } from '../container/create/cgroup.ts';
import { explainingConfig } from '../container/create/config-failure.ts';
import { type Creation, prepareCreation } from '../container/create/creation.ts';
import type { CreateOptions } from '../container/create/options.ts';
import type { Host, Init } from '../container/init/host.ts';
import { createInit } from '../container/init/sequence.ts';
import { runStart } from '../container/start.ts';
import { asProcess, type HookedContainer } from '../container/start-hooks.ts';
import { checkId } from '../container/state/store.ts';
import { asRuntime, runAllHooks } from '../hooks/hooks.ts';
import type { Caller } from '../launcher/caller.ts';
import { forProperty, messageOf } from '../linux/errors.ts';
import { type EnterTarget, enterTarget } from '../namespaces/enter.ts';
import { mustDenySetgroups } from '../namespaces/mappings.ts';
import { type NamespacePlan, namespaceTypes } from '../namespaces/namespace-plan.ts';
import type { Launcher } from '../stub/launcher.ts';
import { observeStubs } from '../stub/observer.ts';
import type { StubProcess } from '../stub/stub-process.ts';
import type { Filter } from '../trace/filter.ts';
import type { Line } from '../trace/lines.ts';
import { Tracer } from '../trace/tracer.ts';
import { checkHost } from './host-checks.ts';
import { plannedLauncher } from './planned-channel.ts';

export interface PlanOptions
  extends Omit<CreateOptions, 'id' | 'pidFile' | 'consoleSocket' | 'keepTerminal'> {
  /** Without one the name of the bundle's directory is taken. */
  id: string | undefined;
  /** Takes lines as --trace has them, but for pids and times. */
  write: (lines: readonly Line[]) => void;
  filter: Filter | undefined;
}

/** The pid and the descriptors of nobody: no process is at the other end. */
const NONE = -1;

/** Plans a container. */
export async function planContainer(caller: Caller, options: PlanOptions): Promise<void> {
  if (options.id !== undefined) checkId(options.id);
  const id = options.id ?? basename(options.bundle);
  const prepared = await prepareCreation(caller, { ...options, id });
  const tracer = new Tracer({ write: options.write, real: false, filter: options.filter });
  using _observing = { [Symbol.dispose]: observeStubs(tracer) };
  explainingConfig(caller, prepared.bundle.source, () =>
    simulate(caller, { ...options, id }, prepared, (error) => caller.warn(messageOf(error))),
  );
}

/** Creates and starts a container, but for the processes; `failed` takes the errors of poststop hooks. */
export function simulate(
  caller: Caller,
  options: CreateOptions,
  prepared: Creation,
  failed: (error: unknown) => void,
): void {
  const { id } = options;
  const { config, path: bundle } = prepared.bundle;
  checkHost(caller, config);
  const setgroupsDenied = mustDenySetgroups(caller, config.linux?.gidMappings ?? []);
  const place = planCgroup(caller, options, config);
  if (place) forProperty('linux.cgroupsPath', () => checkCgroup(place, config));
  const cgroup = place && mayMake(caller, place.directory) ? place.directory : undefined;
  const { uid, gid, umask } = caller;
  const launcher = plannedLauncher({ uid, gid, umask, setgroupsDenied, cgroup });
  const creation = { ...prepared, caller: plannedCaller(caller, launcher) };
  // A config that systemd cannot be asked for is an error here, too.
  forProperty('linux.cgroupsPath', () => creation.modules.systemd?.planUnit(caller, id, config));
  const state = { ociVersion: config.ociVersion, id, status: 'creating', pid: 0, bundle } as const;
  const host = plannedHost(creation, state, cgroup);
  const { init, program } = createInit(creation, host);
  if (!config.process) return init.stub.leave(program);
  // `create` has all of it done, but for what waits for `start`.
  init.stub.flush();
  runStart(creation.caller, config.hooks, {
    bundle,
    inside:
      config.hooks?.startContainer &&
      asProcess(creation.caller, plannedHooked(creation, state, init, cgroup)),
    created: JSON.stringify(state),
    running: JSON.stringify(state),
    go: () => init.stub.exec(program),
  });
  // `run` deletes the container in the end.
  const start = asRuntime({ launcher, env: listOf(caller.env), cwd: bundle });
  const stopped = { state: JSON.stringify(state), start };
  runAllHooks('poststop', config.hooks?.poststop, stopped, failed);
}

/** The caller, but for its launcher. What is read when it is asked for stays so. */
function plannedCaller(caller: Caller, launcher: Launcher): Caller {
  return Object.create(caller, { launcher: { value: launcher } });
}

/** The host's side of a container that is not made: nothing happens. */
function plannedHost(
  { caller: { launcher }, bundle, modules, namespaces }: Creation,
  state: State,
  cgroup: string | undefined,
): Host {
  return {
    listener: NONE,
    cgroup: cgroup === undefined ? undefined : { fd: NONE, directory: cgroup },
    notifyDirectory: undefined,
    // Nothing is kept, and no agent is connected to.
    prepareFilter: () =>
      forProperty('linux.seccomp', () => modules.seccomp?.prepareFilter(bundle.config, undefined)),
    startScope: () => undefined,
    ownInit: () => {},
    recordInit: () => {},
    applyIntelRdt: () => {},
    beginHooks: () => state,
    enterContainer: ({ stub }) => {
      const target = plannedTarget(stub, namespaces);
      return (stdio, property) => enterTarget(target, { launcher, stdio, role: 'hook', property });
    },
    takeTerminal: () => {},
  };
}

/** What startContainer hooks would find. */
function plannedHooked(
  { bundle, modules, namespaces, options }: Creation,
  state: State,
  { stub, setgroupsDenied }: Init,
  cgroup: string | undefined,
): HookedContainer {
  const { config } = bundle;
  const target = plannedTarget(stub, namespaces);
  const place = cgroup === undefined ? undefined : { directory: cgroup, fd: NONE };
  return {
    record: { id: state.id, keyring: !options.noNewKeyring, setgroupsDenied },
    init: { pid: stub.pid, startTime: 0 },
    ...{ config, modules, state },
    enter: (_, entering) => enterTarget(target, { ...entering, cgroup: place }),
    prepareFilter: () => modules.seccomp?.prepareFilter(config, undefined),
  };
}

/** What openTarget would find, by what the config says in place of /proc. */
function plannedTarget({ pid }: StubProcess, { create, join }: NamespacePlan): EnterTarget {
  const types = [...create, ...join.map(({ type }) => type)];
  const flags = types.reduce((all, type) => all | namespaceTypes[type].flag, 0);
  return { pid, pidfd: NONE, root: NONE, flags };
}

/** Whether a cgroup can be made, or is there to be used: an ordinary user goes without where none was delegated. */
function mayMake(caller: Caller, directory: string): boolean {
  if (caller.uid === 0) return true;
  if (!existsSync(directory)) return mayMake(caller, dirname(directory));
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
