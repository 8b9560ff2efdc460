// Enabling controllers for the children of a cgroup (cgroup-v2.rst, "Enabling and Disabling"; cgroups(7)).

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EBUSY, EOPNOTSUPP } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import { readCgroupFile, tryReadCgroupFile, words, writeRaw } from './cgroup-files.ts';

/** A controller that a limit cannot do without. */
export interface Need {
  readonly controller: string;
  /** The file that the limit would be written to. */
  readonly file: string;
  /** Where the limit stands in config.json: linux.resources.memory.limit. */
  readonly field: string;
}

/**
 * Enables every controller of `available` for the children of `directory` and returns those that are then on. All are
 * wanted, for statistics and for containers that manage cgroups themselves; only a need that is not met is an error.
 */
export function enableControllers(
  directory: string,
  available: readonly string[],
  needs: readonly Need[],
): readonly string[] {
  const enabled = words(readCgroupFile(directory, 'cgroup.subtree_control'));
  const missing = available.filter((controller) => !enabled.includes(controller));
  if (missing.length === 0) return enabled;
  const failure = holdsProcesses(directory) ?? enable(directory, missing);
  const now = failure ? words(readCgroupFile(directory, 'cgroup.subtree_control')) : available;
  const unmet = needs.find((need) => !now.includes(need.controller));
  if (unmet && failure)
    throw TsociError.from(
      `enable controller ${unmet.controller}, which ${describe(unmet)} needs, below cgroup ${directory}`,
      failure,
      hint(directory, errnoOf(failure)),
    );
  return now;
}

/**
 * EBUSY when the cgroup has processes of its own, which bars it from giving controllers to children (the root
 * excepted). The kernel would say so itself, but not for cpu, cpuset and pids alone: these it enables, and thereby turns
 * the cgroup into the root of a threaded subtree, where a child takes no process ("domain invalid").
 */
function holdsProcesses(directory: string): TsociError | undefined {
  if (isRoot(directory)) return undefined;
  const populated = words(tryReadCgroupFile(directory, 'cgroup.procs') ?? '').length > 0;
  return populated ? new TsociError('the cgroup holds processes', { errno: EBUSY }) : undefined;
}

/** The root of the whole hierarchy; cgroup.type exists in all cgroups but that one. */
function isRoot(directory: string): boolean {
  return tryReadCgroupFile(directory, 'cgroup.type') === undefined;
}

/** All at once if the kernel takes them (one write is all or nothing), else one by one; the last failure, if any. */
function enable(directory: string, controllers: readonly string[]): unknown {
  const failure = tryEnable(directory, controllers);
  const errno = errnoOf(failure);
  if (failure === undefined || controllers.length === 1 || errno === EBUSY || errno === EOPNOTSUPP)
    return failure;
  return controllers
    .map((controller) => tryEnable(directory, [controller]))
    .filter((one) => one !== undefined)
    .at(-1);
}

function tryEnable(directory: string, controllers: readonly string[]): unknown {
  try {
    writeRaw(
      directory,
      'cgroup.subtree_control',
      controllers.map((controller) => `+${controller}`).join(' '),
    );
    return undefined;
  } catch (error) {
    return error;
  }
}

function hint(directory: string, errno: number | undefined): string | undefined {
  if (errno === EBUSY) {
    const pids = words(tryReadCgroupFile(directory, 'cgroup.procs') ?? '').slice(0, 5);
    const who = pids.length > 0 ? ` (${pids.join(', ')})` : '';
    return `a cgroup with processes of its own${who} gives no controllers to children (cgroups(7)): choose another linux.cgroupsPath`;
  }
  if (errno === EOPNOTSUPP) return 'the cgroup is threaded (cgroup.type): choose another linux.cgroupsPath';
  return undefined;
}

/** Throws for the first need that cgroup v2 cannot meet on this host at all. */
export function requireControllers(
  mountPoint: string,
  available: readonly string[],
  needs: readonly Need[],
): void {
  const unmet = needs.find((need) => !available.includes(need.controller));
  if (!unmet) return;
  throw new TsociError(
    `${describe(unmet)} needs the cgroup v2 controller ${unmet.controller}, which ${mountPoint} does not have: ${whyMissing(unmet.controller)}`,
    { property: unmet.field },
  );
}

function describe({ field, file }: Need): string {
  return `${field} (file ${file})`;
}

/** What to do about a controller that cgroup v2 lacks, from /proc/cgroups (cgroups(7)). */
function whyMissing(controller: string): string {
  const name = controller === 'io' ? 'blkio' : controller;
  const [, hierarchy, , enabled] = procCgroups().find((columns) => columns[0] === name) ?? [];
  if (hierarchy === undefined) return 'this kernel is built without it';
  if (enabled === '0') return `it is disabled at boot: boot with cgroup_enable=${name}`;
  if (hierarchy !== '0')
    return `it is in use by cgroup v1: boot with cgroup_no_v1=${name} (all of them: cgroup_no_v1=all; with systemd, systemd.unified_cgroup_hierarchy=1)`;
  return 'the cgroups above do not delegate it: enable it in their cgroup.subtree_control (with systemd, Delegate=yes)';
}

function procCgroups(): string[][] {
  try {
    return readFileSync(join('/proc', 'cgroups'), 'utf8')
      .split('\n')
      .map((line) => words(line));
  } catch {
    return [];
  }
}
