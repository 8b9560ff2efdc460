// config.md#mounts

import { error, type Finding, warning } from '../finding.ts';
import type { Config, Mount } from '../generated/types.ts';
import { namespaceOf } from './namespaces.ts';
import { mappingErrors } from './user-namespace.ts';
import { isAbsolute, quote } from './values.ts';

const section = 'config.md#mounts';
const optionsSection = 'config.md#linux-mount-options';
const posixSection = 'config.md#posix-platform-mounts';

/** With these a mount changes one that is there, and takes no filesystem (mount(2)). */
const changes = new Set(
  ['remount', 'shared', 'slave', 'private', 'unbindable'].flatMap((option) => [option, `r${option}`]),
);

export function mounts(config: Config): Finding[] {
  const userNamespace = namespaceOf(config, 'user') !== undefined;
  return (config.mounts ?? []).flatMap((mount, i) => [
    ...destination(`/mounts/${i}`, mount),
    ...source(`/mounts/${i}`, mount),
    ...idMapping(`/mounts/${i}`, mount, userNamespace),
  ]);
}

function destination(pointer: string, { destination }: Mount): Finding[] {
  if (destination === '') return [error(`${pointer}/destination`, 'is empty', 'an absolute path', section)];
  if (isAbsolute(destination)) return [];
  const problem = `is relative, which is deprecated: ${quote(destination)} is taken as ${quote(`/${destination}`)}`;
  return [warning(`${pointer}/destination`, problem, 'an absolute path', section)];
}

function source(pointer: string, { type, source, options = [] }: Mount): Finding[] {
  if (options.includes('bind') || options.includes('rbind'))
    return source ? [] : [error(`${pointer}/source`, 'is missing', 'what to bind', section)];
  if (type === 'bind' || type === 'rbind')
    return [
      warning(
        `${pointer}/options`,
        `lacks ${type}`,
        `${type} for a bind mount, whose type says nothing`,
        section,
      ),
    ];
  if (type || options.some((option) => changes.has(option))) return [];
  return [error(`${pointer}/type`, 'is missing', 'a filesystem type, or bind in options', posixSection)];
}

function idMapping(pointer: string, mount: Mount, userNamespace: boolean): Finding[] {
  const { uidMappings = [], gidMappings = [], options = [] } = mount;
  const option = options.find((name) => name === 'idmap' || name === 'ridmap');
  const mapped = uidMappings.length > 0;
  // Nothing would be mapped: the kernel takes no options for a bind mount.
  const own = options.find((name) => /^r?idmap=/.test(name));
  if (own !== undefined) {
    const expected = 'idmap or ridmap, and uidMappings and gidMappings of the mount';
    return [error(`${pointer}/options`, `has crun's ${quote(own)}`, expected, optionsSection)];
  }
  if (mapped !== gidMappings.length > 0) {
    const [given, missing] = mapped ? ['uidMappings', 'gidMappings'] : ['gidMappings', 'uidMappings'];
    return [error(`${pointer}/${missing}`, 'is missing', `both, since ${given} is given`, posixSection)];
  }
  if (options.includes('remount') && (mapped || option)) {
    const expected = 'no mappings where a mount is changed that is there';
    return [error(`${pointer}/options`, 'has remount', expected, optionsSection)];
  }
  if (option && !mapped && !userNamespace)
    return [error(`${pointer}/options`, `has ${option}`, 'mappings, or a user namespace', optionsSection)];
  const findings: Finding[] = [];
  if (mapped && !option) {
    const problem = 'lacks idmap, so older runtimes ignore the mappings';
    findings.push(warning(`${pointer}/options`, problem, 'idmap or ridmap', posixSection));
  }
  return [
    ...findings,
    ...mappingErrors(`${pointer}/uidMappings`, uidMappings),
    ...mappingErrors(`${pointer}/gidMappings`, gidMappings),
  ];
}
