// The processes of a cgroup: who they are, killing them, moving one in.

import { readlinkSync } from 'node:fs';
import { EBUSY, ENODEV, ENOENT, EOPNOTSUPP } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import { parseFlatKeyed, readCgroupFile, tryReadCgroupFile, words, writeRaw } from './cgroup-files.ts';
import { eachBelow } from './tree.ts';

export interface CgroupEvents {
  /** Whether a live process is in the cgroup or below it. */
  readonly populated: boolean;
  /** Whether the cgroup is frozen, by its own cgroup.freeze or an ancestor's. */
  readonly frozen: boolean;
}

/** Whether a live process is in the cgroup or below it; false for one that is gone. */
export function isPopulated(directory: string): boolean {
  return parseFlatKeyed(tryReadCgroupFile(directory, 'cgroup.events') ?? '').get('populated') === 1n;
}

/** cgroup.events (cgroup-v2.rst, "Core Interface Files"). */
export function cgroupEvents(directory: string): CgroupEvents {
  const events = parseFlatKeyed(readCgroupFile(directory, 'cgroup.events'));
  return { populated: events.get('populated') === 1n, frozen: events.get('frozen') === 1n };
}

export function isFrozen(directory: string): boolean {
  return cgroupEvents(directory).frozen;
}

/** Throws for a cgroup that is frozen: whoever drives a process in there would wait until somebody thaws it. */
export function refuseFrozen(directory: string): void {
  if (isFrozen(directory))
    throw new TsociError(
      `cgroup ${directory} is frozen, by its own cgroup.freeze or that of a cgroup above: no process in it would run`,
    );
}

/**
 * The processes of a cgroup and of all below it, as PIDs of our PID namespace. What vanishes meanwhile is left out; so
 * are processes of another PID namespace (0 in cgroup.procs), and threaded cgroups, whose processes the root of their
 * threaded subtree lists.
 */
export function processesOf(directory: string): number[] {
  const pids = new Set<number>();
  const add = (path: string) => {
    for (const pid of words(tryReadCgroupFile(path, 'cgroup.procs') ?? '')) pids.add(Number(pid));
  };
  add(directory);
  eachBelow(directory, add);
  pids.delete(0);
  return [...pids];
}

/** SIGKILL to every process of the cgroup and below, forks included (cgroup.kill, Linux 5.14). Does not wait. */
export function killCgroup(directory: string): void {
  try {
    writeRaw(directory, 'cgroup.kill', '1');
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === ENOENT || errno === ENODEV) return; // the cgroup is gone, and so are its processes
    throw TsociError.from(`kill the processes of cgroup ${directory} (cgroup.kill)`, error);
  }
}

/** Moves a process into the cgroup. */
export function moveProcess(directory: string, pid: number): void {
  try {
    writeRaw(directory, 'cgroup.procs', String(pid));
  } catch (error) {
    throw TsociError.from(`move process ${pid} into cgroup ${directory}`, error, hintForMove(errnoOf(error)));
  }
}

/** The same by a descriptor of the cgroup. */
export function moveThrough(cgroup: number, pid: number): void {
  moveProcess(readlinkSync(`/proc/self/fd/${cgroup}`), pid);
}

function hintForMove(errno: number | undefined): string | undefined {
  if (errno === EBUSY)
    return 'it has controllers enabled for child cgroups, so only these take processes (cgroups(7))';
  if (errno === EOPNOTSUPP) return 'it is in a threaded subtree or below one (cgroup.type)';
  return undefined;
}
