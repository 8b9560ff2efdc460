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
  return Object.keys(config.linux?.sysctl ?? {}).flatMap((name) => {
    const pointer = `/linux/sysctl/${escapePointer(name)}`;
    const parts = sysctlParts(name);
    if (!parts)
      return [error(pointer, 'is not the name of a kernel parameter', 'one as kernel.sem', section)];
    const problem = conflict(config, parts);
    return problem ? [error(pointer, ...problem, section)] : [];
  });
}

/** Why the parameter cannot be set in this container; undefined if it can. */
function conflict(config: Config, parts: readonly string[]): [problem: string, expected: string] | undefined {
  const name = parts.join('.');
  const needs = (type: NamespaceType): [string, string] | undefined =>
    namespaceOf(config, type)
      ? undefined
      : ["would be the runtime's", `a namespace of type ${type} in linux.namespaces`];
  if (ipc.has(name) || (parts[0] === 'fs' && parts[1] === 'mqueue')) return needs('ipc');
  if (parts[0] === 'net') return needs('network');
  if (name === 'kernel.hostname') return ['has a property of its own', 'hostname'];
  if (name === 'kernel.domainname')
    return config.domainname === undefined ? needs('uts') : ['contradicts domainname', 'one of the two'];
  return ['is not isolated by any namespace', 'net.*, fs.mqueue.*, kernel.shm*, kernel.msg* or kernel.sem'];
}
