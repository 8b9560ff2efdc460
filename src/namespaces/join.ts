// Joining namespaces by their paths (linux.namespaces[].path).

import { closeSync, constants, openSync } from 'node:fs';
import type { Config } from '../config/generated/types.ts';
import { sysctlNamespace } from '../config/rules/sysctl.ts';
import type { Caller } from '../launcher/caller.ts';
import { NS_GET_NSTYPE } from '../linux/constants.ts';
import { EPERM } from '../linux/errno.ts';
import { forProperty, TsociError } from '../linux/errors.ts';
import { syscall } from '../linux/ffi.ts';
import { SYS } from '../linux/syscalls.ts';
import { StubProcess } from '../stub/stub-process.ts';
import { isOurs } from './enter.ts';
import { readMappings, type UserMappings } from './mappings.ts';
import { type NamespacePlan, type NamespaceType, namespaceTypes } from './namespace-plan.ts';

export interface OpenNamespace {
  type: NamespaceType;
  path: string;
  fd: number;
}

/** Opens the namespaces to join. Each must be of the type that the config says (config-linux.md#namespaces). */
export function openNamespaces({ join }: NamespacePlan, config: Config): OpenNamespace[] {
  const opened: OpenNamespace[] = [];
  try {
    for (const { type, path } of join) {
      const place = config.linux?.namespaces?.findIndex((namespace) => namespace.type === type);
      forProperty(`linux.namespaces[${place}]`, () => {
        const fd = openNamespace(type, path);
        opened.push({ type, path, fd });
        checkNamespace(fd, { type, path, config });
      });
    }
  } catch (error) {
    closeNamespaces(opened);
    throw error;
  }
  return opened;
}

export function openNamespace(type: NamespaceType, path: string): number {
  try {
    return openSync(path, constants.O_RDONLY);
  } catch (error) {
    throw TsociError.from(`open ${type} namespace ${path}`, error);
  }
}

function checkNamespace(
  fd: number,
  { type, path, config }: { type: NamespaceType; path: string; config: Config },
): void {
  const doing = `open ${type} namespace ${path}`;
  const found = syscall(SYS.ioctl, fd, NS_GET_NSTYPE, 0);
  if (found < 0) throw new TsociError(`${doing}: it is not a namespace`, { errno: -found });
  if (found !== namespaceTypes[type].flag) {
    const actual = Object.entries(namespaceTypes).find(([, { flag }]) => flag === found)?.[0];
    throw new TsociError(`${doing}: it is a ${actual ?? 'different'} namespace`);
  }
  const ours = isOurs(type, `/proc/self/fd/${fd}`);
  // setns(2) refuses our own user namespace (EINVAL), and our mounts are not the container's to change.
  if (ours && (type === 'user' || type === 'mount'))
    throw new TsociError(`${doing}: it is that of the runtime; leave it out of linux.namespaces`);
  if (ours) refuseSettings(config, type, doing);
}

/** What would be set in a namespace of the runtime, which only the path shows to be its own: config-linux.md#sysctl. */
function refuseSettings(config: Config, type: NamespaceType, doing: string): void {
  const names = Object.keys(config.linux?.sysctl ?? {}).filter((name) => sysctlNamespace(name) === type);
  const settings = names.map((name) => `linux.sysctl[${JSON.stringify(name)}]`);
  if (type === 'uts' && config.hostname) settings.push('hostname');
  if (type === 'uts' && config.domainname) settings.push('domainname');
  if (settings.length > 0)
    throw new TsociError(`${doing}: it is that of the runtime, which ${settings.join(', ')} would change`);
}

export function closeNamespaces(namespaces: readonly OpenNamespace[]): void {
  for (const { fd } of namespaces) closeSync(fd);
}

/**
 * Moves the stub into namespaces (setns(2)); `fds` are its descriptors of them. Some can be joined only with the rights that
 * their user namespace gives, others only with rights that are lost in it. So those that are refused before the user
 * namespace is joined are tried again after it. The mount namespace comes last, since it changes what paths mean.
 */
export function joinNamespaces(
  stub: StubProcess,
  namespaces: readonly OpenNamespace[],
  fds: readonly number[],
): void {
  const all = namespaces.map((namespace, i) => ({ ...namespace, stubFd: fds[i] ?? -1 }));
  const user = all.find(({ type }) => type === 'user');
  const mount = all.find(({ type }) => type === 'mount');
  const others = all.filter((namespace) => namespace !== user && namespace !== mount);
  const first = user ? setns(stub, others, [EPERM]) : setns(stub, others, []);
  if (user) {
    setns(stub, [user], []);
    setns(stub, first, []);
  }
  if (mount) setns(stub, [mount], []);
}

/** The mappings of a user namespace to join. A plan, in which nobody joins one, takes them for our own. */
export function mappingsOf(caller: Caller, namespace: OpenNamespace): UserMappings {
  using stub = StubProcess.spawn(caller.launcher, {
    stdio: caller.stdio,
    extra: [namespace.fd],
    role: 'mappings',
  });
  joinNamespaces(stub, [namespace], [stub.extra(0)]);
  const all = [{ containerID: 0, hostID: 0, size: 0xffffffff }];
  return stub.onHost(readMappings) ?? { uidMappings: all, gidMappings: all };
}

type Joining = OpenNamespace & { stubFd: number };

/** Joins namespaces. The result is those that were refused with one of the errnos `tolerated`. */
function setns(stub: StubProcess, namespaces: readonly Joining[], tolerated: readonly number[]): Joining[] {
  if (namespaces.length === 0) return [];
  const program = stub.program();
  const indices = namespaces.map(({ type, path, stubFd }) => {
    const args = [stubFd, namespaceTypes[type].flag];
    return program.call('setns', args, `join ${type} namespace ${path}`, { ignored: tolerated });
  });
  const results = stub.run(program);
  return namespaces.filter((_, i) => results.at(indices[i] ?? -1) !== 0);
}
