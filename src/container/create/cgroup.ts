// The container's cgroup in its life: where it goes, what it limits.

import { closeSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { killCgroup } from '../../cgroups/cgroup-processes.ts';
import { type Cgroup, checkCreatable, createCgroup } from '../../cgroups/create-cgroup.ts';
import { delegateCgroup, ownsCgroup } from '../../cgroups/delegate.ts';
import { cgroupOfProcess, findHierarchy, type Hierarchy } from '../../cgroups/hierarchy.ts';
import { isLimited, needsOf, limitCgroup as setLimits } from '../../cgroups/limit.ts';
import { containerCgroupPath, DEFAULT_PARENT, rootlessParent } from '../../cgroups/path.ts';
import { isMadeByTsoci, removeCgroup, removeEmpty } from '../../cgroups/remove.ts';
import type { Config } from '../../config/generated/types.ts';
import type { Caller } from '../../launcher/caller.ts';
import { EACCES, EPERM, EROFS } from '../../linux/errno.ts';
import { errnoOf, TsociError } from '../../linux/errors.ts';
import { inUserNamespace } from '../../linux/procfs.ts';
import type { ContainerRecord } from '../state/record.ts';
import type { CreateOptions } from './options.ts';

export interface CgroupPlace {
  hierarchy: Hierarchy;
  path: string;
  directory: string;
  /** Whether the caller has not the rights of root on the host's cgroups: then it may turn out that none can be made. */
  rootless: boolean;
}

export function usesSystemd({
  systemdCgroup,
  cgroupManager,
}: Pick<CreateOptions, 'systemdCgroup' | 'cgroupManager'>): boolean {
  return systemdCgroup || cgroupManager === 'systemd';
}

/** Undefined where the container gets no cgroup of ours: the manager is another or disabled, or the host has no cgroup v2. */
export function planCgroup(caller: Caller, options: CreateOptions, config: Config): CgroupPlace | undefined {
  if (options.cgroupManager === 'disabled' || usesSystemd(options)) return undefined;
  const hierarchy = findHierarchy();
  if (!hierarchy && isLimited(config.linux?.resources ?? {})) {
    throw new TsociError('linux.resources asks for limits, but cgroup v2 is not mounted on this host');
  }
  if (!hierarchy) return undefined;
  const rootless = options.rootless === 'auto' ? !isPrivileged(caller) : options.rootless === 'true';
  const parent = rootless ? rootlessParent(cgroupOfProcess(caller.pid)) : DEFAULT_PARENT;
  const path = containerCgroupPath(config.linux?.cgroupsPath, options.id, parent);
  return { hierarchy, path, directory: join(hierarchy.mountPoint, path), rootless };
}

/** Whether we are root of the host, and not of a user namespace only. */
function isPrivileged({ uid }: Caller): boolean {
  return uid === 0 && !inUserNamespace();
}

/** Makes the cgroup and sets its limits. A rootless caller without a delegated cgroup gets none, unless a limit needs one. */
export function makeCgroup(
  caller: Caller,
  place: CgroupPlace,
  config: Config,
  undo: DisposableStack,
): Cgroup | undefined {
  const cgroup = makeUnlimitedCgroup(place, config, undo);
  try {
    if (cgroup) limitCgroup(caller, cgroup, config);
    return cgroup;
  } catch (error) {
    if (cgroup) closeSync(cgroup.fd);
    throw error;
  }
}

/** The same without the limits (limitCgroup), but with what they need. */
export function makeUnlimitedCgroup(
  { hierarchy, path, rootless }: CgroupPlace,
  config: Config,
  undo: DisposableStack,
): Cgroup | undefined {
  const resources = config.linux?.resources;
  const needs = resources ? needsOf(resources) : [];
  let cgroup: Cgroup;
  try {
    cgroup = createCgroup(hierarchy, path, needs);
  } catch (error) {
    const refused = [EACCES, EPERM, EROFS].includes(errnoOf(error) ?? 0);
    if (refused && needs.length === 0 && rootless) return undefined;
    throw error;
  }
  undo.defer(() => removeCgroup(cgroup.directory, hierarchy.mountPoint));
  return cgroup;
}

/** Throws what makeCgroup would, as far as it can be seen without making anything. */
export function checkCgroup({ hierarchy, path }: CgroupPlace, { linux }: Config): void {
  checkCreatable(hierarchy, path, linux?.resources ? needsOf(linux.resources) : []);
}

/** Sets the limits of a cgroup that was made, and hands it over if the container is to manage it. */
export function limitCgroup(caller: Caller, cgroup: Pick<Cgroup, 'directory' | 'fd'>, config: Config): void {
  const { devices, ...others } = config.linux?.resources ?? {};
  // Device access is decided by eBPF, which takes rights of the host; without them nobody could open a device anyway.
  const resources = devices && isPrivileged(caller) ? { ...others, devices } : others;
  for (const warning of setLimits(cgroup, resources)) caller.warn(warning);
  if (ownsCgroup(config)) delegateCgroup(cgroup.directory, hostUser(config));
}

/** The host's id of the process's user. */
function hostUser({ process, linux }: Config): number {
  const uid = process?.user?.uid ?? 0;
  for (const { containerID, hostID, size } of linux?.uidMappings ?? []) {
    if (uid >= containerID && uid < containerID + size) return hostID + (uid - containerID);
  }
  return uid;
}

/** The inode number, which tells a cgroup from a later one of the same name: kernfs gives each directory a new one. */
export function inodeOf(directory: string): number {
  return statSync(directory).ino;
}

/** The directory of the container's cgroup; undefined if it is gone, even if there is another of its name by now. */
export function ownCgroup({
  cgroup,
  cgroupInode,
}: Pick<ContainerRecord, 'cgroup' | 'cgroupInode'>): string | undefined {
  if (cgroup === undefined || cgroupInode === undefined) return undefined;
  return statSync(cgroup, { throwIfNoEntry: false })?.ino === cgroupInode ? cgroup : undefined;
}

/** Kills what is in the container's cgroup, and removes it with the parents that tsoci made and that are empty. */
export function removeContainerCgroup(record: Pick<ContainerRecord, 'cgroup' | 'cgroupInode'>): void {
  const { cgroup, cgroupInode } = record;
  const hierarchy = findHierarchy();
  if (cgroup === undefined || !hierarchy) return;
  const own = ownCgroup(record);
  // A `create` that was killed before it recorded the inode has put nothing into the cgroup yet.
  if (own === undefined)
    return removeEmpty(cgroupInode === undefined ? cgroup : dirname(cgroup), hierarchy.mountPoint);
  // runtime.md#delete: what was there before the container stays, without its processes.
  if (isMadeByTsoci(statSync(own).mode)) removeCgroup(own, hierarchy.mountPoint);
  else killCgroup(own);
}
