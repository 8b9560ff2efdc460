// Control groups as the host sees them: where a container's are, what is in them, and their removal.

import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, Skip } from './expect.ts';
import { hostMounts } from './proc.ts';

export interface Hierarchy {
  version: 1 | 2;
  /** v1: what is attached to it, `name=systemd` included; v2: what cgroup.controllers says. */
  controllers: string[];
  mountPoint: string;
}

let known: Hierarchy[] | undefined;

/** Every mounted cgroup hierarchy of the host. */
export function hierarchies(): Hierarchy[] {
  known ??= hostMounts().flatMap((mount): Hierarchy[] => {
    const mountPoint = mount.point;
    // Another mount may hide this one.
    if (!existsSync(join(mountPoint, 'cgroup.procs'))) return [];
    if (mount.type === 'cgroup') return [{ version: 1, controllers: mount.superOptions, mountPoint }];
    if (mount.type !== 'cgroup2') return [];
    const controllers = readFileSync(join(mountPoint, 'cgroup.controllers'), 'utf8').trim().split(' ');
    return [{ version: 2, controllers, mountPoint }];
  });
  return known;
}

export function unifiedHierarchy(): Hierarchy {
  const found = hierarchies().find(({ version }) => version === 2);
  if (!found) throw new Skip('cgroup v2 is not mounted on this host');
  return found;
}

/** The hierarchy that has a controller, or a skip. */
export function hierarchyOf(controller: string): Hierarchy {
  const found = hierarchies().find(({ controllers }) => controllers.includes(controller));
  if (!found) throw new Skip(`this host has no ${controller} controller`);
  return found;
}

/** The directory of a process's cgroup in one hierarchy; cgroups(7), /proc/PID/cgroup. */
export function cgroupDirectory(pid: number | 'self', hierarchy: Hierarchy): string {
  for (const line of readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n')) {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const here =
      hierarchy.version === 2
        ? controllers === ''
        : controllers.split(',').some((name) => hierarchy.controllers.includes(name));
    if (here) return join(hierarchy.mountPoint, path);
  }
  throw new Failure(`process ${pid} is in no cgroup below ${hierarchy.mountPoint}`);
}

/** A file of the process's cgroup for a controller, of the first name that exists there. */
export function cgroupValue(pid: number, controller: string, ...names: string[]): string {
  const directory = cgroupDirectory(pid, hierarchyOf(controller));
  const file = names.map((name) => join(directory, name)).find((path) => existsSync(path));
  if (file === undefined) throw new Skip(`this kernel has no ${names.join(' or ')}`);
  return readFileSync(file, 'utf8').trim();
}

/** Where a cgroup of this name may be: at the top of a hierarchy, or below the runtime's own cgroup. */
export function cgroupsNamed(name: string): string[] {
  const places = hierarchies().flatMap((hierarchy) => [
    join(hierarchy.mountPoint, name),
    join(cgroupDirectory('self', hierarchy), name),
  ]);
  return [...new Set(places)].filter((path) => existsSync(path));
}

/** Every process in a cgroup and below it. */
export function cgroupProcesses(directory: string): number[] {
  const own = readFileSync(join(directory, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
  return [...own, ...subdirectories(directory).flatMap(cgroupProcesses)];
}

/** Removes a cgroup and those below it, which must have no processes any more. */
export function removeCgroup(directory: string): void {
  for (const child of subdirectories(directory)) removeCgroup(child);
  rmdirSync(directory);
}

function subdirectories(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(directory, entry.name));
}
