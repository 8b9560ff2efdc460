// The container's init: from a stub in the runtime's namespaces to one in the container's, with everything mounted.

import { fstatSync, readlinkSync } from 'node:fs';
import { moveThrough } from '../../cgroups/cgroup-processes.ts';
import type { Config, Process } from '../../config/generated/types.ts';
import type { Caller } from '../../linux/caller.ts';
import { CLONE_NEWTIME, CLONE_NEWUSER, PR_SET_NAME } from '../../linux/constants.ts';
import { EBADF } from '../../linux/errno.ts';
import { TsociError } from '../../linux/errors.ts';
import { becomeRoot, setDumpable } from '../../namespaces/enter.ts';
import {
  closeNamespaces,
  joinNamespaces,
  type OpenNamespace,
  openNamespaces,
} from '../../namespaces/join.ts';
import {
  deniesSetgroups,
  type IdMapping,
  maps,
  mustDenySetgroups,
  writeMappings,
  writeTimeOffsets,
} from '../../namespaces/mappings.ts';
import {
  cloneFlags,
  isolates,
  joins,
  lateFlags,
  type NamespacePlan,
  planNamespaces,
} from '../../namespaces/namespace-plan.ts';
import { explainNamespaces } from '../../namespaces/namespace-refusal.ts';
import { loopbackUp } from '../../network/loopback.ts';
import { type HostTrees, planRootfs, type RootfsPlan, tryOpenHostTrees } from '../../rootfs/build.ts';
import { createSessionKeyring } from '../../security/keyring.ts';
import { setOomScoreAdj } from '../../security/oom-score.ts';
import { withProperty } from '../../stub/program.ts';
import { STUB_NAME } from '../../stub/stub-name.ts';
import { StubProcess } from '../../stub/stub-process.ts';
import type { Bundle } from '../create/bundle.ts';
import { labelKeyring } from './become.ts';

export interface InitOptions {
  id: string;
  inherited: InheritedDescriptors;
  noNewKeyring: boolean;
  /** Called when init exists, before it makes a cgroup namespace and before anything is mounted. */
  cloned?: ((pid: number) => void) | undefined;
}

/** Descriptors of ours that init needs. */
export interface InitDescriptors {
  listener: number;
  /** The connection to the seccomp agent. */
  agent: number | undefined;
  cgroup: number | undefined;
  /** User namespaces of id-mapped mounts. */
  idmaps: readonly number[];
}

export interface Init {
  stub: StubProcess;
  namespaces: NamespacePlan;
  /** The number in init of the socket that it will wait on; that of the connection to the agent is the next. */
  listener: number;
  agent: number;
  /** Its pid in its own pid namespace. */
  pidInside: number;
  /** The umask of the caller. */
  umask: number;
  setgroupsDenied: boolean;
}

/** The place of the namespaces to join among the extra descriptors of the stub, behind listener, agent and cgroup. */
const FIRST_NAMESPACE = 3;
const CGROUP = 2;

/** A process in the container's namespaces and cgroup; nothing is mounted yet. */
export function spawnInit(
  caller: Caller,
  options: InitOptions,
  config: Config,
  descriptors: InitDescriptors,
  before: (boot: StubProcess, idmaps: readonly number[]) => void,
): Init {
  const namespaces = planNamespaces(config.linux?.namespaces ?? []);
  const joined = openNamespaces(namespaces);
  try {
    const { listener, agent, cgroup, idmaps } = descriptors;
    const boot = StubProcess.spawn({
      stdio: caller.stdio,
      preserved: options.inherited.descriptors,
      extra: [listener, agent ?? listener, cgroup ?? listener, ...joined.map(({ fd }) => fd), ...idmaps],
    });
    try {
      before(
        boot,
        idmaps.map((_, i) => boot.extra(FIRST_NAMESPACE + joined.length + i)),
      );
      // Its clone has the same; the files of an undumpable process in /proc are root's.
      const { oomScoreAdj } = config.process ?? {};
      if (oomScoreAdj !== undefined) boot.outside((pid) => setOomScoreAdj(pid, oomScoreAdj), undefined);
      const intoCgroup = cgroup !== undefined && !goAhead(boot, cgroup, joined);
      const stub = withProperty(boot, 'linux.namespaces', () =>
        cloneInit(caller, boot, namespaces, joined, config, intoCgroup),
      );
      options.cloned?.(stub.pid);
      return configureInit(caller, options, config, namespaces, stub, boot);
    } finally {
      boot.dismiss();
    }
  } finally {
    closeNamespaces(joined);
  }
}

/**
 * Out of a cgroup namespace nobody gets into a cgroup that is not below its root (cgroups(7), nsdelegate): before it
 * joins one, the boot stub goes to the container's cgroup, where its clone then is. Whether it did.
 */
function goAhead(boot: StubProcess, cgroup: number, joined: readonly OpenNamespace[]): boolean {
  if (!joined.some(({ type }) => type === 'cgroup')) return false;
  boot.outside((pid) => moveThrough(cgroup, pid), undefined);
  return true;
}

function cloneInit(
  caller: Caller,
  boot: StubProcess,
  namespaces: NamespacePlan,
  joined: readonly OpenNamespace[],
  config: Config,
  intoCgroup: boolean,
): StubProcess {
  // Who is root of that user namespace already could reach into init while it still has the files of the host.
  if (joins(namespaces, 'user')) hide(boot);
  joinNamespaces(
    boot,
    joined,
    joined.map((_, i) => boot.extra(FIRST_NAMESPACE + i)),
  );
  const userFirst = comesFirst(caller, namespaces);
  if (userFirst) {
    unshare(boot, CLONE_NEWUSER, 'make a user namespace');
    mapIds(caller, config, boot);
  }
  if (namespaces.create.has('time')) {
    unshare(boot, CLONE_NEWTIME, 'make a time namespace');
    boot.outside((pid) => writeTimeOffsets(pid, { ...config.linux?.timeOffsets }), undefined);
  }
  const cgroup = intoCgroup ? boot.extra(CGROUP) : undefined;
  const flags = cloneFlags(namespaces) & ~(userFirst ? CLONE_NEWUSER : 0);
  const stub = clone(boot, flags, cgroup);
  const program = stub.program();
  program.close(boot.extra(CGROUP));
  joined.forEach((_, i) => {
    program.close(boot.extra(FIRST_NAMESPACE + i));
  });
  // Known by its name until it executes something else.
  program.call('prctl', [PR_SET_NAME, STUB_NAME, 0, 0, 0], 'name init');
  stub.later(program);
  return stub;
}

function hide(boot: StubProcess): void {
  const program = boot.program();
  setDumpable(program, false);
  boot.later(program);
}

/**
 * A time namespace is made before init, for its offsets. Who has no right to that on the host has it in the user
 * namespace of the container, which then comes before init too.
 */
function comesFirst({ uid }: Caller, { create }: NamespacePlan): boolean {
  return uid !== 0 && create.has('user') && create.has('time');
}

function clone(boot: StubProcess, flags: number, cgroup: number | undefined): StubProcess {
  const doing = 'make the namespaces of the container';
  try {
    return boot.clone(flags, doing, cgroup);
  } catch (error) {
    throw explainNamespaces(doing, flags, error);
  }
}

function unshare(boot: StubProcess, flag: number, doing: string): void {
  const program = boot.program();
  program.call('unshare', [flag], doing);
  try {
    boot.run(program);
  } catch (error) {
    throw explainNamespaces(doing, flag, error);
  }
}

/** Of the new user namespace that a stub is in. */
function mapIds(caller: Caller, config: Config, stub: StubProcess): void {
  const { uidMappings = [], gidMappings = [] } = config.linux ?? {};
  const how = { uid: caller.uid, path: caller.env.PATH };
  stub.outside((pid) => writeMappings(pid, uidMappings, gidMappings, how), undefined);
  checkUser({ ...config.process }, uidMappings, gidMappings);
}

function configureInit(
  caller: Caller,
  options: InitOptions,
  config: Config,
  namespaces: NamespacePlan,
  stub: StubProcess,
  boot: StubProcess,
): Init {
  if (namespaces.create.has('user') && !comesFirst(caller, namespaces)) mapIds(caller, config, stub);
  const ownUsers = isolates(namespaces, 'user');
  const gidMappings = config.linux?.gidMappings ?? [];
  if (ownUsers) withProperty(stub, 'linux.namespaces', () => becomeRoot(stub));
  if (!options.noNewKeyring) labelKeyring(stub, { ...config.process });
  const program = stub.program();
  program.call('setsid', [], 'start a session');
  const umask = program.call('umask', [0], 'set umask');
  const pid = program.call('getpid', [], 'get the pid');
  if (!options.noNewKeyring) createSessionKeyring(program, options.id, ownUsers);
  const flags = lateFlags(namespaces);
  program.property = 'linux.namespaces';
  if (flags !== 0) program.call('unshare', [flags], 'make namespaces of the container');
  const { hostname, domainname } = config;
  program.property = 'hostname';
  if (hostname)
    program.call('sethostname', [hostname, Buffer.byteLength(hostname)], `set hostname ${hostname}`);
  program.property = 'domainname';
  if (domainname) {
    program.call(
      'setdomainname',
      [domainname, Buffer.byteLength(domainname)],
      `set domainname ${domainname}`,
    );
  }
  program.property = 'linux.namespaces';
  if (namespaces.create.has('network')) loopbackUp(program);
  const results = stub.run(program);
  return {
    stub,
    namespaces,
    listener: boot.extra(0),
    agent: boot.extra(1),
    umask: results.at(umask),
    pidInside: results.at(pid),
    setgroupsDenied: ownUsers
      ? stub.outside(deniesSetgroups, mustDenySetgroups(caller, gidMappings))
      : deniesSetgroups('self'),
  };
}

/** A process whose user the namespace does not map could not be started. */
export function checkUser(
  { user }: Pick<Process, 'user'>,
  uidMappings: readonly IdMapping[],
  gidMappings: readonly IdMapping[],
): void {
  const { uid = 0, gid = 0, additionalGids = [] } = user ?? {};
  if (!maps(uidMappings, uid)) throw new TsociError(`process.user.uid ${uid} is not in linux.uidMappings`);
  if (!maps(gidMappings, gid)) throw new TsociError(`process.user.gid ${gid} is not in linux.gidMappings`);
  const foreign = additionalGids.find((additional) => !maps(gidMappings, additional));
  if (foreign !== undefined)
    throw new TsociError(`process.user.additionalGids: ${foreign} is not in linux.gidMappings`);
}

/** What is opened before a user namespace takes the rights away. */
export function planRoot(
  caller: Caller,
  { config, path, rootfs }: Bundle,
  overlay: boolean,
): { plan: RootfsPlan; open: (boot: StubProcess) => HostTrees | undefined } {
  const plan = planRootfs(config, path, rootfs, overlay);
  const needed = caller.uid === 0 && isolates(planNamespaces(config.linux?.namespaces ?? []), 'user');
  return { plan, open: (boot) => (needed ? tryOpenHostTrees(boot, plan) : undefined) };
}

/** Descriptors that the process inherits: those that the caller asks for, then those of socket activation. */
export interface InheritedDescriptors {
  descriptors: number[];
  /** How many of them sd_listen_fds(3) hands over. */
  listenFds: number;
}

/** What the first descriptor that Node opens leads to, in the lowest place that the caller has left free (epoll(7)). */
const FIRST_OF_NODE = 'anon_inode:[eventpoll]';

/** Descriptors of ours from 3 on, which must be open and from the caller. The first that is not ends an absurd number. */
export function inheritedDescriptors(caller: Caller, preserveFds: number): InheritedDescriptors {
  const FIRST = 3;
  const listenFds = listenFdsOf(caller);
  const descriptors: number[] = [];
  for (let fd = FIRST; fd < FIRST + preserveFds + listenFds; fd++) {
    const doing = `inherit descriptor ${fd} (--preserve-fds ${preserveFds}, LISTEN_FDS ${listenFds})`;
    try {
      fstatSync(fd);
    } catch (error) {
      throw TsociError.from(doing, error);
    }
    if (readlinkSync(`/proc/self/fd/${fd}`) === FIRST_OF_NODE) throw TsociError.fromErrno(doing, EBADF);
    descriptors.push(fd);
  }
  return { descriptors, listenFds };
}

/** sd_listen_fds(3): LISTEN_FDS is for the process that LISTEN_PID names. */
function listenFdsOf({ env: { LISTEN_FDS, LISTEN_PID }, pid }: Caller): number {
  if (!LISTEN_FDS || (LISTEN_PID !== undefined && LISTEN_PID !== String(pid))) return 0;
  if (!/^\d+$/.test(LISTEN_FDS))
    throw new TsociError(`LISTEN_FDS is ${JSON.stringify(LISTEN_FDS)}; expected a number of descriptors`);
  return Number(LISTEN_FDS);
}
