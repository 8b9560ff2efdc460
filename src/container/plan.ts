// What `create` and `start` would have stubs execute, without stubs (createReserved and startInit do it with them).

import { accessSync, constants } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Config, State } from '../config/generated/types.ts';
import { runHooks } from '../hooks/hooks.ts';
import type { Caller } from '../linux/caller.ts';
import { TsociError } from '../linux/errors.ts';
import { enterThrough } from '../namespaces/enter.ts';
import { mustDenySetgroups } from '../namespaces/mappings.ts';
import { isolates, type NamespacePlan, namespaceTypes, planNamespaces } from '../namespaces/plan.ts';
import { buildRootfs, type HostTrees } from '../rootfs/build.ts';
import { plannedStubs } from '../seeing/plan/channel.ts';
import { Tracer } from '../seeing/trace/tracer.ts';
import { observeStubs, replaceStubs, type StubProcess } from '../stub/process.ts';
import { planCgroup } from './cgroup.ts';
import { bindOwnCgroup, type CreateOptions, mapMounts } from './create.ts';
import { finishInit } from './finish.ts';
import { planRoot, spawnInit } from './init.ts';
import { loadParts } from './parts.ts';
import { loadBundle } from './prepare.ts';

export interface PlanOptions {
  bundle: string;
  configFile: string | undefined;
  overlay: boolean;
  /** Takes lines as --trace writes them, but for pids and times. */
  write: (text: string) => void;
}

/** The pid and the descriptors of nobody: no process is at the other end. */
const NONE = -1;

/** Plans a container. From here on no stub of this process is one. */
export async function planContainer(caller: Caller, options: PlanOptions): Promise<void> {
  const bundle = loadBundle(caller, options.bundle, options.configFile);
  const { config } = bundle;
  const parts = await loadParts(config);
  const tracer = new Tracer({ write: options.write, real: false });
  const setgroupsDenied = mustDenySetgroups(caller, config.linux?.gidMappings ?? []);
  replaceStubs(plannedStubs({ uid: caller.uid, umask: process.umask(), setgroupsDenied }));
  observeStubs(tracer);
  const create = createOptions(options);
  const namespaces = planNamespaces(config.linux?.namespaces ?? []);
  if (options.overlay && !isolates(namespaces, 'mount'))
    throw new TsociError('--overlay needs a mount namespace');
  const asked = planCgroup(caller, create, config);
  const place = asked && mayMake(caller, asked.directory) ? asked : undefined;
  const filter = parts.filter?.prepareFilter(config, undefined);
  const idmaps = parts.idmap?.openIdmapNamespaces(caller, config);
  const root = isolates(namespaces, 'mount') ? planRoot(caller, bundle, options.overlay) : undefined;
  if (root) bindOwnCgroup(root.plan.mounts, namespaces, place?.directory);
  let trees: HostTrees | undefined;
  const descriptors = {
    listener: NONE,
    agent: filter?.agent,
    cgroup: place && NONE,
    idmaps: idmaps?.fds ?? [],
  };
  const inherited = { descriptors: [], listenFds: 0 };
  const init = spawnInit(caller, { ...create, inherited }, config, descriptors, (boot, numbers) => {
    if (root) mapMounts(root.plan.mounts, idmaps?.indices, numbers);
    trees = root?.open(boot);
  });
  const built = root && { plan: root.plan, context: buildRootfs(init.stub, root.plan, trees) };
  const state = stateOf(config, create.id, bundle.path);
  const hooks = { state: JSON.stringify(state), stdout: caller.stdio[1], stderr: caller.stdio[2] };
  runHooks('prestart', config.hooks?.prestart, hooks);
  runHooks('createRuntime', config.hooks?.createRuntime, hooks);
  const enter = enterPlanned(init.stub, namespaces);
  const finish = { ...create, listenFds: 0, filter, state, takeTerminal: () => {}, enter };
  init.stub.leave(finishInit(caller, finish, bundle, init, built, hooks));
  if (!config.process) return;
  runHooks('startContainer', config.hooks?.startContainer, { ...hooks, enter });
  tracer.replied(init.stub, Buffer.alloc(0));
  runHooks('poststart', config.hooks?.poststart, hooks);
}

/** Whether a cgroup can be made: an ordinary user goes without where none was delegated. */
function mayMake({ uid }: Caller, directory: string): boolean {
  if (uid === 0) return true;
  try {
    accessSync(dirname(directory), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function createOptions({ bundle, configFile, overlay }: PlanOptions): CreateOptions {
  return {
    root: '',
    id: basename(bundle),
    bundle,
    configFile,
    preserveFds: 0,
    overlay,
    noPivot: false,
    noNewKeyring: false,
    systemdCgroup: false,
    cgroupManager: 'cgroupfs',
    rootless: 'auto',
  };
}

function stateOf({ ociVersion }: Config, id: string, bundle: string): State {
  return { ociVersion, id, status: 'creating', pid: 0, bundle };
}

/** Hooks in the container's namespaces: as enterNamespaces, with what the config says of them in place of /proc. */
function enterPlanned(init: StubProcess, { create, join }: NamespacePlan) {
  const types = [...create, ...join.map(({ type }) => type)];
  const flags = types.reduce((all, type) => all | namespaceTypes[type].flag, 0);
  const target = { pid: init.pid, pidfd: NONE, root: NONE, flags };
  return (stdio: readonly [number, number, number]) => enterThrough({ stdio, role: 'hook' }, target);
}
