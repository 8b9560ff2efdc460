// config-linux.md#sysctl: only what a namespace of the container isolates may be set.

import { sysctlParts } from '../../linux/sysctl.ts';
import { error, type Finding } from '../finding.ts';
import type { Config, NamespaceType } from '../generated/types.ts';
import { escapePointer } from '../json-scan.ts';
import { namespaceOf } from './namespaces.ts';

const section = 'config-linux.md#sysctl';

/** ipc_namespaces(7) */
const ipc = new Set([
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
]);

export function sysctl(config: Config): Finding[] {
  return Object.entries(config.linux?.sysctl ?? {}).flatMap(([name, value]) => {
    const pointer = `/linux/sysctl/${escapePointer(name)}`;
    const parts = sysctlParts(name);
    if (!parts)
      return [error(pointer, 'is not the name of a kernel parameter', 'one as kernel.sem', section)];
    const problem = conflict(config, parts, value);
    return problem ? [error(pointer, ...problem, section)] : [];
  });
}

/** The namespace that a parameter belongs to; undefined for one of the host, and for what is no parameter. */
export function sysctlNamespace(name: string): NamespaceType | undefined {
  const parts = sysctlParts(name) ?? [];
  const key = parts.join('.');
  if (ipc.has(key) || (parts[0] === 'fs' && parts[1] === 'mqueue')) return 'ipc';
  if (parts[0] === 'net') return 'network';
  // user_namespaces(7) and namespaces(7), /proc/sys/user
  if (parts[0] === 'user') return 'user';
  return key === 'kernel.domainname' || key === 'kernel.hostname' ? 'uts' : undefined;
}

/** Why the parameter cannot be set in this container; undefined if it can. */
function conflict(
  config: Config,
  parts: readonly string[],
  value: string,
): [problem: string, expected: string] | undefined {
  const name = parts.join('.');
  if (name === 'kernel.hostname') return ['has a property of its own', 'hostname'];
  if (name === 'kernel.domainname' && config.domainname !== undefined && config.domainname !== value)
    return ['contradicts domainname', 'one of the two'];
  const type = sysctlNamespace(name);
  if (type === undefined)
    return [
      'is not isolated by any namespace',
      'net.*, user.*, fs.mqueue.*, kernel.shm*, kernel.msg* or kernel.sem',
    ];
  return namespaceOf(config, type)
    ? undefined
    : ["would be the runtime's", `a namespace of type ${type} in linux.namespaces`];
}
