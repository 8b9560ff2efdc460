// config.md#mounts

import { posix } from 'node:path';
import { error, type Finding, warning } from '../finding.ts';
import type { Config, Mount } from '../generated/types.ts';
import {
  isOfFilesystem,
  keyAndValue,
  knownMountOptions,
  type MountOptions,
  needSuperblock,
  optionsOf,
} from '../mount-options.ts';
import { nearest } from '../nearest.ts';
import { namespaceOf } from './namespaces.ts';
import { mappingErrors } from './user-namespace.ts';
import { isAbsolute, quote } from './values.ts';

const section = 'config.md#mounts';
const optionsSection = 'config.md#linux-mount-options';
const posixSection = 'config.md#posix-platform-mounts';

/** Filesystems that take every option in silence, and the options that they go by. */
const heeded: ReadonlyMap<string, readonly string[]> = new Map([
  ['ramfs', ['mode']],
  ['debugfs', ['mode', 'uid', 'gid']],
  ['tracefs', ['mode', 'uid', 'gid']],
  ['bpf', ['mode', 'uid', 'gid', ...['cmds', 'maps', 'progs', 'attachs'].map((what) => `delegate_${what}`)]],
]);

export function mounts(config: Config): Finding[] {
  const userNamespace = namespaceOf(config, 'user') !== undefined;
  return (config.mounts ?? []).flatMap((mount, i) => {
    const decided = optionsOf(mount);
    return [
      ...destination(`/mounts/${i}`, mount),
      ...source(`/mounts/${i}`, mount, decided),
      ...options(`/mounts/${i}`, mount, decided),
      ...idMapping(`/mounts/${i}`, mount, userNamespace),
    ];
  });
}

function destination(pointer: string, { destination }: Mount): Finding[] {
  if (destination === '') return [error(`${pointer}/destination`, 'is empty', 'an absolute path', section)];
  // What is mounted over the root stays unseen: whoever has the root open is below it. A change would be the host's.
  if (posix.resolve('/', destination) === '/') {
    const problem = `is the root itself: ${quote(destination)}`;
    return [error(`${pointer}/destination`, problem, 'a path in it; the root is root.path', section)];
  }
  if (isAbsolute(destination)) return [];
  const problem = `is relative, which is deprecated: ${quote(destination)} is taken as ${quote(`/${destination}`)}`;
  return [warning(`${pointer}/destination`, problem, 'an absolute path', section)];
}

function source(
  pointer: string,
  { type, source, options = [] }: Mount,
  { remount }: MountOptions,
): Finding[] {
  if (remount) return [];
  if (options.includes('bind') || options.includes('rbind'))
    return source ? [] : [error(`${pointer}/source`, 'is missing', 'what to bind', section)];
  if (type === 'bind' || type === 'rbind') {
    const expected = `${type} for a bind mount, whose type says nothing`;
    return [warning(`${pointer}/options`, `lacks ${type}`, expected, section)];
  }
  if (type) return [];
  return [error(`${pointer}/type`, 'is missing', 'a filesystem type, or bind in options', posixSection)];
}

/** Options that nobody knows, or that would be dropped in silence. What a filesystem refuses is the kernel's to say. */
function options(
  pointer: string,
  { type = '', options = [] }: Mount,
  { bind, remount }: MountOptions,
): Finding[] {
  const binds = bind !== 'no';
  return options.flatMap((option, i) => {
    const found = (finding: typeof error, expected: string) => [
      finding(`${pointer}/options/${i}`, `is ${quote(option)}`, expected, optionsSection),
    ];
    // The kernel ignores them; configurations have them all the same, so that other flags are looked at.
    if (binds && needSuperblock.has(option)) return found(warning, 'none: the filesystem is there already');
    if (option === 'tmpcopyup' && (binds || remount || type !== 'tmpfs'))
      return found(error, 'it for a new tmpfs alone');
    const expected = isOfFilesystem(option) ? expectedOption(option, binds ? undefined : type) : undefined;
    return expected === undefined ? [] : found(error, expected);
  });
}

/** What an option should be that is none of every mount; undefined if the filesystem decides. Bind mounts make none. */
function expectedOption(option: string, type: string | undefined): string | undefined {
  // Nothing would be mapped.
  if (/^r?idmap=/.test(option))
    return "idmap or ridmap, and uidMappings and gidMappings of the mount, in place of crun's way";
  const own = type === undefined ? [] : heeded.get(type);
  if (!own || own.includes(keyAndValue(option)[0])) return undefined;
  const meant = nearest(option, [...knownMountOptions, ...own]);
  const known = type === undefined ? 'an option of bind mounts' : `an option of ${type}`;
  return meant === undefined ? known : `${known}; did you mean ${meant}?`;
}

function idMapping(pointer: string, mount: Mount, userNamespace: boolean): Finding[] {
  const { uidMappings = [], gidMappings = [], options = [] } = mount;
  const option = options.find((name) => name === 'idmap' || name === 'ridmap');
  const mapped = uidMappings.length > 0;
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
