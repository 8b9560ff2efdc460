// Where the container's cgroup goes (config-linux.md#cgroups-path).

import { dirname, join } from 'node:path';
import { TsociError } from '../linux/errors.ts';

/** The parent of containers whose cgroupsPath is unset or relative. */
export const DEFAULT_PARENT = '/tsoci';

/** What the systemd manager takes: slice:prefix:name. */
const SYSTEMD_PATH = /^([^/:]+\.slice)?:[^/:]*:[^/:]+$/;

/**
 * The path of the container's cgroup in the hierarchy: an absolute cgroupsPath from the mount point, a relative one
 * from `parent`, none at all PARENT/ID.
 */
export function containerCgroupPath(
  cgroupsPath: string | undefined,
  id: string,
  parent: string = DEFAULT_PARENT,
): string {
  if (!cgroupsPath) return `${parent}/${id}`;
  if (SYSTEMD_PATH.test(cgroupsPath))
    throw refused(
      cgroupsPath,
      'is slice:prefix:name, which takes the systemd cgroup manager (--systemd-cgroup)',
    );
  const components = safeComponents(cgroupsPath);
  if (components === undefined) throw refused(cgroupsPath, 'must not have a component ".." or a NUL');
  if (components.length === 0) throw refused(cgroupsPath, 'is the root cgroup, which takes no limits');
  const path = components.join('/');
  return cgroupsPath.startsWith('/') ? `/${path}` : `${parent}/${path}`;
}

function refused(cgroupsPath: string, why: string): TsociError {
  return new TsociError(`linux.cgroupsPath ${JSON.stringify(cgroupsPath)} ${why}`);
}

/**
 * The default parent for a user who may not write to the root of the hierarchy: beside the cgroup that we are in
 * (inside it would break the no-internal-process rule of cgroups(7), since we are a process in it).
 */
export function rootlessParent(ownCgroup: string): string {
  return join(dirname(ownCgroup), DEFAULT_PARENT);
}

/** A cgroup below the container's own, as `exec --cgroup` names it. */
export function subCgroup(directory: string, path: string): string {
  const components = safeComponents(path);
  if (components === undefined)
    throw new TsociError(`--cgroup ${JSON.stringify(path)} must not have a component ".."`);
  return join(directory, ...components);
}

/** The components of a path without empty ones and "."; undefined for a path that could lead elsewhere. */
function safeComponents(path: string): string[] | undefined {
  const components = path.split('/').filter((component) => component !== '' && component !== '.');
  return components.includes('..') || path.includes('\0') ? undefined : components;
}
