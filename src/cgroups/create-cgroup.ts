// Making the container's cgroup.

import { accessSync, constants, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { O_CLOEXEC, O_DIRECTORY, O_RDONLY } from '../linux/constants.ts';
import { EAGAIN, EEXIST, ENODEV, ENOENT } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import { step } from '../linux/steps.ts';
import { readCgroupFile } from './cgroup-files.ts';
import { isPopulated, processesOf, refuseFrozen } from './cgroup-processes.ts';
import { enableControllers, type Need, requireControllers } from './controllers.ts';
import type { Hierarchy } from './hierarchy.ts';
import { MADE_BY_TSOCI, removeEmpty } from './remove.ts';

export interface Cgroup {
  /** The cgroup's directory on the host. */
  readonly directory: string;
  /** The controllers that are on for it. */
  readonly controllers: readonly string[];
  /** An open descriptor of the directory, for CLONE_INTO_CGROUP (clone3(2)) and bpf(2). The caller closes it. */
  readonly fd: number;
}

/** A parent can vanish under us when the last container in it is deleted; then we begin again from the top. */
const ATTEMPTS = 16;

/**
 * Makes the cgroup at `path` of the hierarchy, with all parents that are missing and every controller that the
 * hierarchy has. `needs` are the controllers that must be on, with the limits that need them. A cgroup that exists is
 * used if it is empty and not frozen (config-linux.md#control-groups). After an error nothing is left behind.
 */
export function createCgroup(hierarchy: Hierarchy, path: string, needs: readonly Need[] = []): Cgroup {
  requireControllers(hierarchy.mountPoint, hierarchy.controllers, needs);
  const directory = join(hierarchy.mountPoint, path);
  const { controllers, made } = makePath(hierarchy, path, needs);
  try {
    checkUsable(directory, made);
    return { directory, controllers, fd: openCgroup(directory) };
  } catch (error) {
    if (made) removeEmpty(directory, hierarchy.mountPoint);
    throw error;
  }
}

/** Throws what createCgroup would, as far as it can be seen without making anything. */
export function checkCreatable(hierarchy: Hierarchy, path: string, needs: readonly Need[] = []): void {
  requireControllers(hierarchy.mountPoint, hierarchy.controllers, needs);
  const directory = join(hierarchy.mountPoint, path);
  if (existsSync(directory)) checkUsable(directory, false);
}

/** A descriptor of an existing cgroup's directory. */
export function openCgroup(directory: string): number {
  try {
    return openSync(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  } catch (error) {
    throw TsociError.from(`open cgroup ${directory}`, error);
  }
}

interface Made {
  controllers: readonly string[];
  /** Whether the last directory of the path is new. */
  made: boolean;
}

function makePath(hierarchy: Hierarchy, path: string, needs: readonly Need[]): Made {
  for (let attempt = 1; ; attempt++) {
    try {
      return makePathOnce(hierarchy, path, needs);
    } catch (error) {
      const vanished = errnoOf(error) === ENOENT || errnoOf(error) === ENODEV;
      if (!vanished || attempt === ATTEMPTS) throw error;
    }
  }
}

function makePathOnce({ mountPoint, controllers }: Hierarchy, path: string, needs: readonly Need[]): Made {
  let directory = mountPoint;
  let enabled = controllers;
  let made = false;
  try {
    for (const name of path.split('/').filter((component) => component !== '')) {
      enabled = enableControllers(directory, enabled, needs);
      directory = join(directory, name);
      made = makeDirectory(directory);
    }
  } catch (error) {
    removeEmpty(directory, mountPoint);
    throw error;
  }
  return { controllers: enabled, made };
}

function makeDirectory(directory: string): boolean {
  step(`make cgroup ${directory}`);
  try {
    mkdirSync(directory, MADE_BY_TSOCI);
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === EEXIST) return false;
    const hint =
      errno === EAGAIN
        ? `the limit of cgroup.max.descendants or cgroup.max.depth above ${dirname(directory)} is reached`
        : undefined;
    throw TsociError.from(`make cgroup ${directory}`, error, hint);
  }
}

/** That of another user, whose container has the same id, is none to make or use. */
function checkWritable(directory: string): void {
  try {
    accessSync(join(directory, 'cgroup.procs'), constants.W_OK);
  } catch (error) {
    throw TsociError.from(`use cgroup ${directory}, which is there already`, error);
  }
}

/** Whether a process can start in the cgroup, and whether it would be alone there. */
function checkUsable(directory: string, made: boolean): void {
  if (!made) checkWritable(directory);
  if (readCgroupFile(directory, 'cgroup.type') !== 'domain')
    throw new TsociError(
      `cgroup ${directory} takes no processes: its cgroup.type is "${readCgroupFile(directory, 'cgroup.type')}" (threads of cgroups(7)); choose another linux.cgroupsPath`,
    );
  refuseFrozen(directory);
  if (!made && isPopulated(directory))
    throw new TsociError(
      `cgroup ${directory} is not empty: it holds process ${processesOf(directory).join(', ')}; choose another linux.cgroupsPath`,
    );
}
