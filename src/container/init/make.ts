// From a checked bundle to an init that has nothing left to do but wait for `start`: what `create` has stubs do, and
// what `plan` shows of it.

import type { State } from '../../config/generated/types.ts';
import { type HookSetting, runHooks } from '../../hooks/hooks.ts';
import type { Caller } from '../../linux/caller.ts';
import { closeDescriptor } from '../../linux/descriptor.ts';
import { TsociError } from '../../linux/errors.ts';
import { inUserNamespace } from '../../linux/procfs.ts';
import type { IdmapNamespaces } from '../../namespaces/idmap.ts';
import { isolates, type NamespacePlan, planNamespaces } from '../../namespaces/namespace-plan.ts';
import { buildRootfs, type HostTrees } from '../../rootfs/build.ts';
import type { MountPlan } from '../../rootfs/mount.ts';
import type { Program } from '../../stub/program.ts';
import type { Prepared } from '../create/bundle.ts';
import { currentCgroup } from '../create/cgroup.ts';
import { type FinishOptions, finishInit } from './finish.ts';
import { type Init, inheritedDescriptors, planRoot, spawnInit } from './spawn.ts';

export interface MakeOptions extends Pick<FinishOptions, 'noPivot' | 'consoleSocket' | 'takeTerminal'> {
  id: string;
  preserveFds: number;
  overlay: boolean;
  noNewKeyring: boolean;
}

/** What is around init: the host's, or nothing of it. */
export interface Surroundings {
  /** The directory of compiled filters and more; without one, for a plan, nothing is kept. */
  root: string | undefined;
  /** A descriptor of ours that init will wait on. */
  listener: number;
  /** The cgroup that init starts in. */
  cgroup: { fd: number; directory: string } | undefined;
  /** Init exists; nothing is mounted, and it has no cgroup namespace. The directory of the cgroup that it is put in. */
  cloned?: (pid: number) => string | undefined;
  /** Init is in all its namespaces; nothing is mounted. */
  spawned?: (init: Init) => void;
  /** Hooks are about to run: the state that they and a seccomp agent are told. */
  hooking: (init: Init) => State;
  /** A stub in init's namespaces, for hooks, where init is no process. */
  enter?: (init: Init) => Required<HookSetting>['enter'];
}

/** Makes init; it still has to be left with the program that the result has. */
export function makeInit(
  caller: Caller,
  options: MakeOptions,
  { bundle, parts }: Pick<Prepared, 'bundle' | 'parts'>,
  around: Surroundings,
): { init: Init; program: Program } {
  const { config } = bundle;
  using opened = new DisposableStack();
  const filter = parts.filter?.prepareFilter(config, around.root);
  const agent = filter?.agent;
  if (agent !== undefined) opened.defer(() => closeDescriptor(agent));
  const idmaps = parts.idmap?.openIdmapNamespaces(caller, config);
  opened.defer(() => idmaps?.close());
  const inherited = inheritedDescriptors(caller, options.preserveFds);
  const namespaces = planNamespaces(config.linux?.namespaces ?? []);
  if (options.overlay && !isolates(namespaces, 'mount'))
    throw new TsociError('--overlay needs a mount namespace');
  const root = isolates(namespaces, 'mount') ? planRoot(caller, bundle, options.overlay) : undefined;
  let directory = around.cgroup?.directory;
  // The cgroup of systemd's scope is there only with a process in it; init, which has that mount then, opens it itself.
  const bindCgroup = () => root && bindOwnCgroup(root.plan.mounts, namespaces, directory);
  if (!parts.scope) bindCgroup();
  let trees: HostTrees | undefined;
  const descriptors = {
    listener: around.listener,
    agent,
    cgroup: around.cgroup?.fd,
    idmaps: idmaps?.fds ?? [],
  };
  const cloned = (pid: number) => {
    directory = around.cloned?.(pid) ?? directory;
  };
  const spawning = { ...options, inherited, cloned };
  const init = spawnInit(caller, spawning, config, descriptors, (boot, numbers) => {
    if (root) mapMounts(root.plan.mounts, idmaps?.indices, numbers);
    trees = root?.open(boot);
  });
  if (parts.scope) bindCgroup();
  around.spawned?.(init);
  const built = root && { plan: root.plan, context: buildRootfs(init.stub, root.plan, trees) };
  const state = around.hooking(init);
  const [, stdout, stderr] = caller.stdio;
  const hooks = { state: JSON.stringify(state), stdout, stderr, cwd: bundle.path };
  // They find a root filesystem that is complete.
  if (config.hooks) init.stub.flush();
  runHooks('prestart', config.hooks?.prestart, hooks);
  runHooks('createRuntime', config.hooks?.createRuntime, hooks);
  const enter = around.enter?.(init);
  const finish = { ...options, listenFds: inherited.listenFds, filter, state, enter };
  return { init, program: finishInit(caller, finish, bundle, init, built, hooks) };
}

/**
 * A user namespace may mount cgroup2 only with a cgroup namespace of its own (cgroup_namespaces(7)): without, the
 * container gets its own part of the hierarchy bound, which is all that concerns it. `cgroup` is its own; without one it
 * stays in ours.
 */
function bindOwnCgroup(
  mounts: readonly MountPlan[],
  namespaces: NamespacePlan,
  cgroup: string | undefined,
): void {
  const inUsers = () => isolates(namespaces, 'user') || inUserNamespace();
  if (isolates(namespaces, 'cgroup') || !inUsers()) return;
  for (const mount of mounts) {
    if (!('type' in mount.from) || mount.from.type !== 'cgroup2') continue;
    const source = cgroup ?? currentCgroup();
    if (source === undefined) return;
    mount.from = { source };
    mount.options = { ...mount.options, bind: 'recursive', data: [] };
  }
}

/** Gives the mounts their user namespaces, as descriptors of the stub. */
function mapMounts(
  mounts: readonly MountPlan[],
  indices: IdmapNamespaces['indices'] | undefined,
  numbers: readonly number[],
): void {
  mounts.forEach((mount, i) => {
    const index = indices?.[i];
    if (index !== undefined) mount.idmapNamespace = numbers[index];
  });
}
