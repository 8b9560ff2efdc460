// runtime.md#create: from a bundle to an init that waits for `start`.

import { closeSync, constants, openSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config, Hooks } from '../config/generated/types.ts';
import { stringifyJson } from '../config/json.ts';
import { runHooks } from '../hooks/hooks.ts';
import type { Caller } from '../linux/caller.ts';
import { SIGKILL } from '../linux/constants.ts';
import { closeDescriptor } from '../linux/descriptor.ts';
import { TsociError } from '../linux/errors.ts';
import { syscall } from '../linux/ffi.ts';
import { inUserNamespace, processStat } from '../linux/procfs.ts';
import { SYS } from '../linux/syscalls.ts';
import { listenAt } from '../linux/unix-socket.ts';
import { reap } from '../linux/wait.ts';
import type { IdmapNamespaces } from '../namespaces/idmap.ts';
import { isolates, type NamespacePlan, planNamespaces } from '../namespaces/plan.ts';
import { buildRootfs, type HostTrees } from '../rootfs/build.ts';
import type { MountPlan } from '../rootfs/mount.ts';
import type { StubProcess } from '../stub/process.ts';
import { labelsOf, lsmsFor } from './become.ts';
import { currentCgroup, makeCgroup, planCgroup, usesSystemd } from './cgroup.ts';
import { checkConsole } from './console.ts';
import { finishInit } from './finish.ts';
import { inheritedDescriptors, planRoot, spawnInit } from './init.ts';
import { lock } from './lock.ts';
import { loadParts, type Parts } from './parts.ts';
import { writePidFile } from './pid-file.ts';
import { runPoststop } from './poststop.ts';
import { type Bundle, loadBundle } from './prepare.ts';
import type { ContainerRecord, ProcessIdentity } from './record.ts';
import { stateOf } from './state.ts';
import {
  checkId,
  removeDirectory,
  reserve,
  savedConfig,
  savedProgram,
  startSocket,
  writeRecord,
} from './store.ts';
import { Undo } from './undo.ts';

export interface CreateOptions {
  /** The state directory. */
  root: string;
  id: string;
  bundle: string;
  configFile?: string | undefined;
  pidFile?: string | undefined;
  consoleSocket?: string | undefined;
  /** Takes the master of the terminal in place of a console socket (`run` in the foreground). */
  takeTerminal?: ((master: number) => void) | undefined;
  /** How many descriptors from 3 on reach the process. */
  preserveFds: number;
  /** Whether a writable layer in memory lies over the root filesystem. */
  overlay: boolean;
  /** Hooks to add that attach the container to a bridge: the settings, and what runs tsoci. */
  network?: { spec: string; command: readonly [string, ...string[]] } | undefined;
  noPivot: boolean;
  noNewKeyring: boolean;
  systemdCgroup: boolean;
  cgroupManager: 'cgroupfs' | 'systemd' | 'disabled';
  /** Whether to do without what takes the rights of root on the host's cgroups; auto: if we have not got them. */
  rootless: 'true' | 'false' | 'auto';
}

/** Creates a container, or leaves everything as it was. */
export async function createContainer(caller: Caller, options: CreateOptions): Promise<ContainerRecord> {
  checkId(options.id);
  const bundle = await withNetwork(loadBundle(caller, options.bundle, options.configFile), options.network);
  checkConsole(bundle.config.process?.terminal ?? false, options);
  lsmsFor(labelsOf(bundle.config));
  // All that may have to be loaded is, before anything is done: from here on nothing waits.
  const parts = await loadParts(bundle.config);
  if (usesSystemd(options)) parts.scope = await import('./scope.ts');
  const record = newRecord(caller, options, bundle);
  const undo = new Undo();
  const directory = reserve(options.root, options.id);
  undo.add(() => removeDirectory(directory));
  const lockFd = lock(directory, options.id);
  const creation: Creation = { record, bundle, parts, directory, undo, hooked: false };
  try {
    return createReserved(caller, options, creation);
  } catch (error) {
    undo.run((second) => caller.warn(`clean up after a failed create: ${String(second)}`));
    // runtime.md#lifecycle, steps 3 to 5: a failed hook ends the container. Whatever fails later, too: what hooks have
    // made must be taken back.
    if (creation.hooked) runPoststop(caller, record);
    throw error;
  } finally {
    closeSync(lockFd);
  }
}

/** The bundle with the hooks of --network in its config. */
async function withNetwork(bundle: Bundle, network: CreateOptions['network']): Promise<Bundle> {
  if (!network) return bundle;
  const { injectNetwork } = await import('../network/inject.ts');
  const config = injectNetwork(bundle.config, network.spec, network.command);
  return { ...bundle, config, text: stringifyJson(config) };
}

/** What is known of a container before anything is done. */
function newRecord(
  caller: Caller,
  options: CreateOptions,
  { config, path, rootfs }: Bundle,
): ContainerRecord {
  return {
    ociVersion: config.ociVersion,
    id: options.id,
    bundle: path,
    rootfs,
    created: new Date().toISOString(),
    owner: caller.uid,
    creator: identify(caller.pid),
    ...(config.annotations && { annotations: config.annotations }),
    ...(config.hooks && { hooks: laterHooks(config.hooks) }),
    startable: config.process !== undefined,
    keyring: !options.noNewKeyring,
  };
}

interface Creation {
  record: ContainerRecord;
  bundle: Bundle;
  parts: Parts;
  directory: string;
  undo: Undo;
  /** Whether hooks were begun. */
  hooked: boolean;
}

function createReserved(caller: Caller, options: CreateOptions, creation: Creation): ContainerRecord {
  const { record, bundle, parts, directory, undo } = creation;
  const { config } = bundle;
  const place = planCgroup(caller, options, config);
  const unit = parts.scope?.planUnit(caller, options.id, config);
  if (place) record.cgroup = place.directory;
  // From here on whoever finds the container, after a kill -9 of us too, knows what to clean up.
  writeRecord(directory, record);
  writeNew(savedConfig(directory), bundle.text);
  const cgroup = place && makeCgroup(caller, place, config, undo);
  if (!cgroup) delete record.cgroup;
  using opened = new DisposableStack();
  if (cgroup) opened.defer(() => closeSync(cgroup.fd));
  const filter = parts.filter?.prepareFilter(config, options.root);
  const agent = filter?.agent;
  if (agent !== undefined) opened.defer(() => closeDescriptor(agent));
  const idmaps = parts.idmap?.openIdmapNamespaces(caller, config);
  opened.defer(() => idmaps?.close());
  const listener = listenAt(startSocket(directory));
  opened.defer(() => closeDescriptor(listener));
  const inherited = inheritedDescriptors(caller, options.preserveFds);
  const namespaces = planNamespaces(config.linux?.namespaces ?? []);
  if (options.overlay && !isolates(namespaces, 'mount'))
    throw new TsociError('--overlay needs a mount namespace');
  const root = isolates(namespaces, 'mount') ? planRoot(caller, bundle, options.overlay) : undefined;
  if (root) bindOwnCgroup(root.plan.mounts, namespaces, record.cgroup);
  let trees: HostTrees | undefined;
  const descriptors = { listener, agent, cgroup: cgroup?.fd, idmaps: idmaps?.fds ?? [] };
  const cloned = (pid: number) => {
    if (!parts.scope || !unit) return;
    Object.assign(record, parts.scope.placeInit(caller, unit, config, pid, undo));
    writeRecord(directory, record);
  };
  const init = spawnInit(caller, { ...options, inherited, cloned }, config, descriptors, (boot, numbers) => {
    if (root) mapMounts(root.plan.mounts, idmaps?.indices, numbers);
    trees = root?.open(boot);
  });
  undo.add(() => killInit(init.stub));
  record.init = identify(init.stub.pid);
  record.control = init.stub.control;
  record.pidInside = init.pidInside;
  record.setgroupsDenied = init.setgroupsDenied;
  const { intelRdt } = config.linux ?? {};
  if (parts.intelRdt && intelRdt) {
    const { applyIntelRdt, findResctrl, removeIntelRdt } = parts.intelRdt;
    const groups = applyIntelRdt(intelRdt, { id: record.id, pid: init.stub.pid, resctrl: findResctrl() });
    undo.add(() => removeIntelRdt(groups));
    record.intelRdt = groups;
  }
  if (parts.netDevices) moveDevices(parts.netDevices, config, init.stub.pid);
  const built = root && { plan: root.plan, context: buildRootfs(init.stub, root.plan, trees) };
  const state = stateOf(record, 'creating', init.stub.pid);
  const hooks = { state: JSON.stringify(state), stdout: caller.stdio[1], stderr: caller.stdio[2] };
  creation.hooked = true;
  runHooks('prestart', config.hooks?.prestart, hooks);
  runHooks('createRuntime', config.hooks?.createRuntime, hooks);
  const finish = { ...options, listenFds: inherited.listenFds, filter, state };
  const program = finishInit(caller, finish, bundle, init, built, hooks);
  const operations = program.operations.map(({ doing, ignored, because }) => ({ doing, ignored, because }));
  writeNew(savedProgram(directory), JSON.stringify(operations));
  if (options.pidFile) writePidFile(resolve(caller.cwd, options.pidFile), init.stub.pid);
  init.stub.leave(program);
  delete record.creator;
  writeRecord(directory, record);
  return record;
}

/**
 * A user namespace may mount cgroup2 only with a cgroup namespace of its own (cgroup_namespaces(7)): without, the
 * container gets its own part of the hierarchy bound, which is all that concerns it. `cgroup` is its own; without one it
 * stays in ours.
 */
export function bindOwnCgroup(
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
export function mapMounts(
  mounts: readonly MountPlan[],
  indices: IdmapNamespaces['indices'] | undefined,
  numbers: readonly number[],
): void {
  mounts.forEach((mount, i) => {
    const index = indices?.[i];
    if (index !== undefined) mount.idmapNamespace = numbers[index];
  });
}

/** config-linux.md#network-devices. */
function moveDevices(
  { moveNetDevices }: NonNullable<Parts['netDevices']>,
  config: Config,
  pid: number,
): void {
  const namespace = openSync(`/proc/${pid}/ns/net`, constants.O_RDONLY);
  try {
    moveNetDevices(config.linux?.netDevices, namespace);
  } finally {
    closeSync(namespace);
  }
}

function laterHooks({ startContainer, poststart, poststop }: Hooks): NonNullable<ContainerRecord['hooks']> {
  return {
    ...(startContainer && { startContainer }),
    ...(poststart && { poststart }),
    ...(poststop && { poststop }),
  };
}

/** The process as it is now. */
function identify(pid: number): ProcessIdentity {
  return { pid, startTime: processStat(pid)?.startTime ?? 0 };
}

function killInit(stub: StubProcess): void {
  stub.disconnect();
  syscall(SYS.kill, stub.pid, SIGKILL);
  reap(stub.pid);
}

function writeNew(path: string, text: string): void {
  try {
    writeFileSync(path, text, { mode: 0o600 });
  } catch (error) {
    throw TsociError.from(`write ${path}`, error);
  }
}
