// What the specification does not allow, its own JSON schema does, and people write because runc and crun take it: a
// warning, and the value that is meant.

import { type Finding, warning } from './finding.ts';

const REQUIRED = [
  ['user', 'uid', 'config.md#posix-platform-user'],
  ['user', 'gid', 'config.md#posix-platform-user'],
  ['ioPriority', 'priority', 'config.md#linux-process'],
] as const;

/** Changes a configuration to what it means; answers what was tolerated. */
export function tolerateInConfig(config: unknown): Finding[] {
  if (!isObject(config)) return [];
  return [...tolerateInProcess(config.process, '/process'), ...emptyPaths(config.linux)];
}

/** The same for a process, whose own pointer is `pointer`: numbers that are left out are 0. */
export function tolerateInProcess(process: unknown, pointer = ''): Finding[] {
  if (!isObject(process)) return [];
  return REQUIRED.flatMap(([owner, name, spec]) => {
    const object = process[owner];
    if (!isObject(object) || Object.hasOwn(object, name)) return [];
    object[name] = 0;
    return [warning(`${pointer}/${owner}/${name}`, 'is required, but missing; 0 is taken', '', spec)];
  });
}

/** A namespace with an empty path is a new one. */
function emptyPaths(linux: unknown): Finding[] {
  if (!isObject(linux) || !Array.isArray(linux.namespaces)) return [];
  return linux.namespaces.flatMap((namespace: unknown, i) => {
    if (!isObject(namespace) || namespace.path !== '') return [];
    delete namespace.path;
    const pointer = `/linux/namespaces/${i}/path`;
    return [warning(pointer, 'is ""; none is taken', '', 'config-linux.md#namespaces')];
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
