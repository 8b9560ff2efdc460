// The files that a configuration names, as they are here and now.

import { readlinkSync, realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { describeErrno, errnoOf } from '../linux/errors.ts';
import { isExecutable, leadsInto } from '../linux/files.ts';
import { mountOptions } from './check-mount-options.ts';
import { error, type Finding, warning } from './finding.ts';
import type { Config, NamespaceType } from './generated/types.ts';
import { hookNames } from './rules/hooks.ts';
import { quote } from './rules/values.ts';

/** What /proc/PID/ns/* links say of each type: net:[4026531840] (namespaces(7)). */
const kinds: Readonly<Record<NamespaceType, string>> = {
  cgroup: 'cgroup',
  ipc: 'ipc',
  mount: 'mnt',
  network: 'net',
  pid: 'pid',
  time: 'time',
  user: 'user',
  uts: 'uts',
};

export function checkFiles(config: Config, bundle: string): Finding[] {
  return [
    ...rootDirectory(config, bundle),
    ...bindSources(config, bundle),
    ...mountOptions(config),
    ...hookPrograms(config),
    ...namespaceFiles(config),
  ];
}

/** config.md#root: a directory must exist at the path. */
function rootDirectory({ root }: Config, bundle: string): Finding[] {
  if (!root?.path) return [];
  const path = resolve(bundle, root.path);
  const problem = absence(path) ?? (statSync(path).isDirectory() ? undefined : `is not a directory: ${path}`);
  return problem ? [error('/root/path', problem, 'the root filesystem', 'config.md#root')] : [];
}

function bindSources({ mounts = [], root }: Config, bundle: string): Finding[] {
  return mounts.flatMap(({ source, options = [] }, i) => {
    const bind = options.includes('bind') || options.includes('rbind');
    const problem = bind && source ? absence(resolve(bundle, source)) : undefined;
    if (!problem) return [];
    // What is not in the root filesystem may be when a mount before has been made.
    const rootfs = realpath(resolve(bundle, root?.path ?? ''));
    if (i > 0 && rootfs !== undefined && leadsInto(rootfs, resolve(bundle, source ?? ''))) return [];
    return [warning(`/mounts/${i}/source`, problem, 'a file or directory', 'config.md#mounts')];
  });
}

/** All but startContainer's are files of the runtime's. */
function hookPrograms({ hooks = {} }: Config): Finding[] {
  return hookNames.flatMap((name) => {
    if (name === 'startContainer') return [];
    return (hooks[name] ?? []).flatMap(({ path }, i) => {
      if (isExecutable(path)) return [];
      const problem = `cannot be executed: ${quote(path)}`;
      return [warning(`/hooks/${name}/${i}/path`, problem, 'a program', 'config.md#posix-platform-hooks')];
    });
  });
}

function realpath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/** Why nothing can be found at a path; undefined if something is there. */
function absence(path: string): string | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false }) ? undefined : `does not exist: ${path}`;
  } catch (error) {
    // A loop of symlinks, a directory that may not be searched, a name that is too long.
    return `cannot be found: ${path}: ${describeErrno(errnoOf(error) ?? 0)}`;
  }
}

/** config-linux.md#namespaces: the type must be right. A bind-mounted namespace does not tell it here. */
function namespaceFiles({ linux }: Config): Finding[] {
  return (linux?.namespaces ?? []).flatMap(({ type, path }, i) => {
    if (!path) return [];
    const pointer = `/linux/namespaces/${i}/path`;
    const section = 'config-linux.md#namespaces';
    const problem = absence(path);
    if (problem) return [warning(pointer, problem, 'a namespace', section)];
    const kind = kindOf(path);
    if (kind === undefined || kind === kinds[type]) return [];
    return [error(pointer, `is a namespace of type ${kind}`, `one of type ${type}`, section)];
  });
}

function kindOf(path: string): string | undefined {
  try {
    return /^(\w+):\[\d+\]$/.exec(readlinkSync(path))?.[1];
  } catch {
    return undefined;
  }
}
