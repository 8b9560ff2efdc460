// What `create` and `start` would have stubs execute, without stubs.

import { accessSync, constants, existsSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { prepareContainer } from '../container/create/bundle.ts';
import { planCgroup } from '../container/create/cgroup.ts';
import type { CreateOptions } from '../container/create/create.ts';
import { makeInit } from '../container/init/make.ts';
import type { Init } from '../container/init/spawn.ts';
import { runStart } from '../container/start.ts';
import { checkId } from '../container/state/store.ts';
import { runAllHooks } from '../hooks/hooks.ts';
import type { Caller } from '../linux/caller.ts';
import { messageOf } from '../linux/errors.ts';
import { enterThrough } from '../namespaces/enter.ts';
import { mustDenySetgroups } from '../namespaces/mappings.ts';
import { namespaceTypes } from '../namespaces/namespace-plan.ts';
import { observeStubs } from '../stub/observer.ts';
import { replaceStubs } from '../stub/stub-process.ts';
import { Tracer } from '../trace/tracer.ts';
import { plannedStubs } from './planned-channel.ts';

export interface PlanOptions
  extends Omit<CreateOptions, 'id' | 'pidFile' | 'consoleSocket' | 'takeTerminal'> {
  /** Without one the name of the bundle's directory is taken. */
  id: string | undefined;
  /** Takes lines as --trace writes them, but for pids and times. */
  write: (text: string) => void;
}

/** The pid and the descriptors of nobody: no process is at the other end. */
const NONE = -1;

/** Plans a container. From here on no stub of this process is one. */
export async function planContainer(caller: Caller, options: PlanOptions): Promise<void> {
  if (options.id !== undefined) checkId(options.id);
  const prepared = await prepareContainer(caller, options);
  const { config, path: bundle } = prepared.bundle;
  const id = options.id ?? basename(bundle);
  const create = { ...options, id, takeTerminal: () => {} };
  const tracer = new Tracer({ write: options.write, real: false });
  const setgroupsDenied = mustDenySetgroups(caller, config.linux?.gidMappings ?? []);
  const place = planCgroup(caller, create, config)?.directory;
  const cgroup = place !== undefined && mayMake(caller, place) ? place : undefined;
  replaceStubs(plannedStubs({ uid: caller.uid, umask: process.umask(), setgroupsDenied, cgroup }));
  observeStubs(tracer);
  // A config that systemd cannot be asked for is an error here, too.
  prepared.parts.scope?.planUnit(caller, id, config);
  const stdio = { stdout: caller.stdio[1], stderr: caller.stdio[2] };
  const state = { ociVersion: config.ociVersion, id, status: 'creating', pid: 0, bundle } as const;
  const { init, program } = makeInit(caller, create, prepared, {
    root: undefined,
    listener: NONE,
    cgroup: cgroup === undefined ? undefined : { fd: NONE, directory: cgroup },
    hooking: () => state,
    enter: enterPlanned,
  });
  init.stub.leave(program);
  if (!config.process) return;
  runStart(config.hooks, {
    ...stdio,
    bundle,
    created: JSON.stringify(state),
    running: JSON.stringify(state),
    enter: enterPlanned(init),
    go: () => tracer.replied(init.stub, Buffer.alloc(0)),
  });
  // `run` deletes the container in the end.
  const failed = (error: unknown) => caller.warn(messageOf(error));
  const stopped = { ...stdio, cwd: bundle, state: JSON.stringify(state) };
  runAllHooks('poststop', config.hooks?.poststop, stopped, failed);
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

/** Hooks in the container's namespaces: as enterNamespaces, with what the config says of them in place of /proc. */
function enterPlanned({ stub, namespaces: { create, join } }: Init) {
  const types = [...create, ...join.map(({ type }) => type)];
  const flags = types.reduce((all, type) => all | namespaceTypes[type].flag, 0);
  const target = { pid: stub.pid, pidfd: NONE, root: NONE, flags };
  return (stdio: readonly [number, number, number], property: string) =>
    enterThrough({ stdio, role: 'hook', property }, target);
}
