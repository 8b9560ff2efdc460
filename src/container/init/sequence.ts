// Everything that happens to a container's init, in order: from the boot stub to the program with which init waits for
// `start`. `create` and `plan` take the same steps; what they do differently is in Host.

import { moveThrough } from '../../cgroups/cgroup-processes.ts';
import type { State } from '../../config/generated/types.ts';
import { listOf } from '../../config/variables.ts';
import { asRuntime, runHooks } from '../../hooks/hooks.ts';
import { attempt } from '../../linux/attempt.ts';
import { CLONE_NEWTIME, CLONE_NEWUSER, PR_SET_NAME } from '../../linux/constants.ts';
import { step } from '../../linux/steps.ts';
import { becomeRoot, setDumpable } from '../../namespaces/enter.ts';
import { joinNamespaces, mappingsOf } from '../../namespaces/join.ts';
import {
  deniesSetgroups,
  mustDenySetgroups,
  writeMappings,
  writeTimeOffsets,
} from '../../namespaces/mappings.ts';
import { cloneFlags, isolates, joins, lateFlags, userComesFirst } from '../../namespaces/namespace-plan.ts';
import {
  addUnshare,
  cloneInit,
  setDomainname,
  setHostname,
  unshare,
} from '../../namespaces/new-namespaces.ts';
import { loopbackUp } from '../../network/loopback.ts';
import { buildRootfs, finishRoot, openDevNull, type RootfsPlan } from '../../rootfs/build.ts';
import { makeConsole } from '../../rootfs/console.ts';
import type { BuildContext, RootContext } from '../../rootfs/context.ts';
import { guardPaths } from '../../rootfs/guarded-paths.ts';
import { HostTrees } from '../../rootfs/host-trees.ts';
import { moveInto } from '../../rootfs/no-pivot.ts';
import { chrootInto, pivotInto } from '../../rootfs/root.ts';
import { resetAffinity } from '../../security/affinity.ts';
import { setCredentials } from '../../security/credentials.ts';
import { setIoPriority } from '../../security/io-priority.ts';
import { createSessionKeyring } from '../../security/keyring.ts';
import { setMemoryPolicy } from '../../security/memory-policy.ts';
import { setOomScoreAdj } from '../../security/oom-score.ts';
import { setPersonality } from '../../security/personality.ts';
import { setRlimits, withRoomFor } from '../../security/rlimits.ts';
import { setScheduler } from '../../security/scheduler.ts';
import { type Program, stringArray, withProperty } from '../../stub/program.ts';
import { releaseRest } from '../../stub/release.ts';
import { STUB_NAME } from '../../stub/stub-name.ts';
import { StubProcess } from '../../stub/stub-process.ts';
import type { Creation } from '../create/creation.ts';
import { NOTIFY_VARIABLE, planNotifyMount } from '../notify-socket.ts';
import { bindCgroup } from './cgroup-mount.ts';
import {
  AGENT,
  CGROUP,
  LISTENER,
  NAMESPACES,
  numberIdmaps,
  type OpenDescriptors,
  openDescriptors,
} from './descriptors.ts';
import type { Host, Init } from './host.ts';
import { labelKeyring, labelsOf, writeToProcfs } from './labels.ts';
import { reopenNull } from './null-stdio.ts';
import { enterCwd, ownStdio, type ResolvedProcess, resolveProcess } from './process.ts';
import type { PreparedFilter } from './seccomp-filter.ts';
import { waitForStart } from './wait-for-start.ts';

/** Makes init. To be left with `program`: it waits for `start`, then it executes the process of the config. */
export function createInit(creation: Creation, host: Host): { init: Init; program: Program } {
  const { caller, namespaces, rootfs, modules } = creation;
  const { config } = creation.bundle;
  using opened = attempt(undefined, () => openDescriptors(creation, host));
  if (rootfs && host.notifyDirectory) rootfs.mounts.push(planNotifyMount(host.notifyDirectory));

  step('make init in the namespaces of the container, with a copy of the mounts of the host', 'namespaces');
  const { stub, trees } = spawnInit(creation, host, opened);
  using _trees = trees;
  const scope = host.startScope(stub.pid);
  if (modules.systemd && rootfs) bindCgroup(rootfs.mounts, namespaces, scope);
  const init = configureInit(creation, stub);
  host.recordInit(init);
  host.applyIntelRdt(stub.pid);
  if (modules.netDevices) stub.onHost((pid) => modules.netDevices?.moveNetDevicesTo(caller, pid, config));

  step('mount the root filesystem; the root of init is still that of the host', 'rootfs');
  const context = rootfs && buildRootfs(stub, rootfs, trees);

  step('run the hooks of create');
  // They find a root filesystem that is complete.
  if (config.hooks) stub.flush();
  const state = host.beginHooks(init);
  runCreateHooks(creation, host, init, state);

  step('enter the root filesystem');
  writeToProcfs(stub, labelsOf(config), { sysctl: config.linux?.sysctl, pid: init.pidInside });
  if (config.process?.terminal && context) host.takeTerminal(makeTerminal(creation, context));
  if (rootfs && context) enterRootfs(creation, context, rootfs);
  else chrootInto(stub, creation.bundle.rootfs, config.process?.cwd);

  step('close what init does not need any more, and give up the rights that the process has not');
  if (!config.process?.terminal) reopenNull(stub, creation.caller.stdio);
  closeOthers(stub, opened.filter);
  const resolved = confineInit(creation, host, init);
  const { filter } = opened;
  const seccomp = filter && { filter, agent: stub.extra(AGENT), state, pid: stub.pid };
  if (resolved && seccomp?.filter.atCreate) installFilter(stub, seccomp);
  return { init, program: lastProgram(creation, stub, resolved, seccomp) };
}

/** The boot stub, in the namespaces of the runtime, with the rights of the host; and its clone in the new namespaces. */
function spawnInit(
  creation: Creation,
  host: Host,
  opened: OpenDescriptors,
): { stub: StubProcess; trees: HostTrees | undefined } {
  const { caller, bundle, namespaces, rootfs, inherited, modules } = creation;
  const { process, linux } = bundle.config;
  const spawn = (role?: string) =>
    StubProcess.spawn(caller.launcher, {
      stdio: caller.stdio,
      preserved: inherited.count,
      extra: opened.extra,
      ...(role && { role }),
    });
  using boot = spawn();
  // systemd makes the cgroup only with init in it.
  if (rootfs && !modules.systemd) bindCgroup(rootfs.mounts, namespaces, host.cgroup?.directory);
  if (rootfs) numberIdmaps(rootfs.mounts, opened, boot);
  const mayNotOpen = caller.uid === 0 && isolates(namespaces, 'user');
  const users = opened.namespaces.find(({ type }) => type === 'user');
  const mappings = () => (users ? mappingsOf(caller, users) : { uidMappings: [], gidMappings: [], ...linux });
  const trees =
    rootfs && mayNotOpen
      ? attempt(undefined, () => HostTrees.tryOpen(boot, rootfs, { mappings, spawn: () => spawn('trees') }))
      : undefined;
  // Before namespaces are joined: the files of an undumpable process in /proc are root's.
  const { oomScoreAdj } = process ?? {};
  if (oomScoreAdj !== undefined) boot.onHost((pid) => setOomScoreAdj(pid, oomScoreAdj));
  // From within a cgroup namespace no cgroup can be entered that is not below its root (cgroups(7), nsdelegate), and from
  // within a user namespace none that was given to a user of it: that takes writing to the cgroup above, too.
  const moved = host.cgroup !== undefined && (joins(namespaces, 'cgroup') || joins(namespaces, 'user'));
  if (moved) boot.onHost((pid) => moveThrough(host.cgroup?.fd ?? -1, pid));

  boot.property = 'linux.namespaces';
  // Root of a user namespace that is joined could reach into init while it still has the files of the host.
  if (joins(namespaces, 'user')) hideFromContainer(boot);
  joinNamespaces(
    boot,
    opened.namespaces,
    opened.namespaces.map((_, i) => boot.extra(NAMESPACES + i)),
  );
  const userFirst = userComesFirst(namespaces, caller.uid);
  if (userFirst) {
    unshare(boot, CLONE_NEWUSER, 'make a user namespace');
    mapIds(creation, boot);
  }
  if (namespaces.create.has('time')) {
    unshare(boot, CLONE_NEWTIME, 'make a time namespace');
    boot.onHost((pid) => writeTimeOffsets(pid, { ...linux?.timeOffsets }));
  }
  const cgroup = host.cgroup && !moved ? boot.extra(CGROUP) : undefined;
  const stub = cloneInit(boot, cloneFlags(namespaces) & ~(userFirst ? CLONE_NEWUSER : 0), cgroup);
  host.ownInit(stub);
  return { stub, trees };
}

function hideFromContainer(boot: StubProcess): void {
  const program = boot.program();
  setDumpable(program, false);
  boot.later(program);
}

/** uid_map and gid_map of the new user namespace that a stub is in: linux.uidMappings, linux.gidMappings. */
function mapIds({ caller, bundle }: Creation, stub: StubProcess): void {
  const { uidMappings = [], gidMappings = [] } = bundle.config.linux ?? {};
  stub.onHost((pid) =>
    writeMappings(pid, uidMappings, gidMappings, { uid: caller.uid, path: caller.env.PATH }),
  );
}

/** Init becomes root of its user namespace, starts a session, and makes the namespaces that must belong to that root. */
function configureInit(creation: Creation, stub: StubProcess): Init {
  const { caller, options, bundle, namespaces } = creation;
  const { hostname, domainname, linux, process } = bundle.config;
  const starting = stub.program();
  starting.close(stub.extra(CGROUP));
  namespaces.join.forEach((_, i) => {
    starting.close(stub.extra(NAMESPACES + i));
  });
  // The status `created` is told by this name: it lasts until something else is executed.
  starting.call('prctl', [PR_SET_NAME, STUB_NAME, 0, 0, 0], 'name init');
  resetAffinity(starting);
  stub.later(starting);

  const ownUsers = isolates(namespaces, 'user');
  if (namespaces.create.has('user') && !userComesFirst(namespaces, caller.uid)) mapIds(creation, stub);
  if (ownUsers) withProperty(stub, 'linux.namespaces', () => becomeRoot(stub));
  if (!options.noNewKeyring) labelKeyring(stub, { ...process });

  const program = stub.program();
  program.call('setsid', [], 'start a session');
  const umask = program.call('umask', [0], 'set umask');
  const pid = program.call('getpid', [], 'get the pid');
  if (!options.noNewKeyring) createSessionKeyring(program, options.id, ownUsers);
  const flags = lateFlags(namespaces);
  program.property = 'linux.namespaces';
  if (flags !== 0) addUnshare(program, flags, 'make namespaces of the container');
  setHostname(program.for('hostname'), hostname);
  setDomainname(program.for('domainname'), domainname);
  if (namespaces.create.has('network')) loopbackUp(program.for('linux.namespaces'));
  const results = stub.run(program);
  const denied = ownUsers ? stub.onHost(deniesSetgroups) : deniesSetgroups('self');
  return {
    stub,
    umask: results.at(umask),
    pidInside: results.at(pid),
    setgroupsDenied: denied ?? mustDenySetgroups(caller, linux?.gidMappings ?? []),
  };
}

/** runtime.md#lifecycle, steps 3 to 5. */
function runCreateHooks({ caller, bundle }: Creation, host: Host, init: Init, state: State): void {
  const { hooks } = bundle.config;
  if (!hooks) return;
  const own = { launcher: caller.launcher, env: listOf(caller.env), cwd: bundle.path };
  const setting = { state: JSON.stringify(state), start: asRuntime(own) };
  runHooks('prestart', hooks.prestart, setting);
  runHooks('createRuntime', hooks.createRuntime, setting);
  // runtime.md#state: the pid as the hook sees it.
  const inside = JSON.stringify({ ...state, pid: init.pidInside });
  const start = asRuntime({ ...own, enter: host.enterContainer(init) });
  runHooks('createContainer', hooks.createContainer, { state: inside, start });
}

/** process.terminal: on the container's devpts, and on /dev/console unless the config binds a /dev of its own. */
function makeTerminal({ bundle, rootfs }: Creation, context: RootContext): number {
  const { consoleSize } = bundle.config.process ?? {};
  const onConsole = rootfs?.devices !== undefined;
  return attempt('process.terminal', () =>
    withProperty(context.init, 'process.terminal', () => makeConsole(context, consoleSize, onConsole)),
  );
}

/** pivot_root(2) or its substitute, and what can only be done after it. */
function enterRootfs({ bundle, options }: Creation, context: BuildContext, plan: RootfsPlan): void {
  const { init: stub, root } = context;
  const opening = stub.program();
  const devNull = openDevNull(opening);
  stub.later(opening);
  if (options.noPivot) moveInto(stub, root);
  else pivotInto(stub, root);
  guardPaths(context, { ...bundle.config.linux }, devNull);
  const program = stub.program();
  finishRoot(program, context, plan);
  program.close(devNull);
  program.close(root);
  stub.later(program);
}

function closeOthers(stub: StubProcess, filter: PreparedFilter | undefined): void {
  const program = stub.program();
  program.closeFrom(stub.extra(filter?.agent === undefined ? AGENT : AGENT + 1));
  stub.later(program);
}

/** Init becomes what the process of the config will be, all but its program: what cannot be so is an error of `create`. */
function confineInit(
  { caller, bundle, inherited }: Creation,
  { notifyDirectory }: Host,
  { stub, umask, setgroupsDenied }: Init,
): ResolvedProcess | undefined {
  const resolve = () => {
    const { process, linux } = bundle.config;
    if (!process) return undefined;
    const { now } = withRoomFor(stub.control, process.rlimits);
    return resolveProcess(caller, stub, {
      process: { ...process, rlimits: [...now] },
      linux,
      variables: [...inherited.variables, ...(notifyDirectory ? [NOTIFY_VARIABLE] : [])],
      umask: process.user?.umask ?? umask,
      setgroupsDenied,
    });
  };
  const resolved = attempt(undefined, resolve);
  const program = stub.program();
  if (resolved) confineProcess(program, resolved, bundle.config.linux?.seccomp !== undefined);
  // Hidden before (hideFromContainer), or by the change of user: `exec` and hooks of an ordinary user come in through its
  // /proc/PID.
  if (caller.uid !== 0) setDumpable(program, true);
  stub.later(program);
  return resolved;
}

/** linux.seccomp: the agent knows the container before it is started. */
function installFilter(stub: StubProcess, { filter, agent, state, pid }: ProcessFilter): void {
  const program = stub.program();
  filter.install(program.for('linux.seccomp'), agent, state, pid);
  program.close(agent);
  stub.later(program);
}

/** What is left to do when `start` comes. */
function lastProgram(
  { bundle }: Creation,
  stub: StubProcess,
  resolved: ResolvedProcess | undefined,
  seccomp: ProcessFilter | undefined,
): Program {
  const program = stub.program();
  const programIsComplete = releaseRest(program);
  waitForStart(program, stub.control, stub.extra(LISTENER));
  if (resolved) {
    const { later } = withRoomFor(stub.control, bundle.config.process?.rlimits);
    setRlimits(program.for('process.rlimits'), later);
    const created = seccomp && { ...seccomp, state: { ...seccomp.state, status: 'created' as const } };
    executeProcess(program, resolved, created?.filter.atCreate ? undefined : created);
  } else {
    // runtime.md#start: an error without `process`. `start` refuses before it comes to this.
    program.call('exit_group', [1], 'exit');
  }
  programIsComplete();
  return program;
}

/** linux.seccomp for one process: the filter, and what its agent is told. */
export interface ProcessFilter {
  filter: PreparedFilter;
  /** The stub's descriptor of the connection to the agent. */
  agent: number;
  state: State;
  pid: number;
}

/**
 * config.md#process, from the rights of the stub to those of the process: limits, user, capabilities, directory. With
 * `filtered` a seccomp filter will follow, which may take a right more (setCredentials).
 */
export function confineProcess(program: Program, resolved: ResolvedProcess, filtered: boolean): void {
  const { process, linux } = resolved;
  const { uid = 0, gid = 0, additionalGids } = process.user ?? {};
  setPersonality(program.for('linux.personality'), linux?.personality);
  setMemoryPolicy(program.for('linux.memoryPolicy'), linux?.memoryPolicy);
  if (!resolved.limitsAreSet) {
    setIoPriority(program.for('process.ioPriority'), process.ioPriority);
    setScheduler(program.for('process.scheduler'), process.scheduler);
    setRlimits(program.for('process.rlimits'), process.rlimits);
  }
  ownStdio(program.for('process.user'), resolved.ownedStdio, uid);
  setCredentials(program, {
    uid,
    gid,
    additionalGids,
    umask: resolved.umask,
    noNewPrivileges: process.noNewPrivileges,
    capabilities: resolved.capabilities,
    setgroups: !resolved.setgroupsDenied,
    seccomp: filtered,
  });
  if (!resolved.inCwd) enterCwd(program.for('process.cwd'), process.cwd);
}

/** linux.seccomp and process.args: what a confined process does last. */
export function executeProcess(
  program: Program,
  { executable, args, env }: ResolvedProcess,
  seccomp: ProcessFilter | undefined,
): void {
  program.property = 'linux.seccomp';
  seccomp?.filter.install(program, seccomp.agent, seccomp.state, seccomp.pid);
  const execve = [executable, stringArray(args), stringArray(env)];
  program.for('process.args').call('execve', execve, `execute ${executable}`);
}
