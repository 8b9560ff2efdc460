// Where the host has cgroup v2, and where a process is in it.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TsociError } from '../linux/errors.ts';
import { parseMountinfo } from '../linux/mountinfo.ts';
import { words } from './cgroup-files.ts';

export interface Hierarchy {
  /** The directory where cgroup2 is mounted. */
  readonly mountPoint: string;
  /** The controllers that cgroup v2 has there (cgroup.controllers of the mount's root). */
  readonly controllers: readonly string[];
}

/** Where systemd and everyone after it mounts cgroup2: the pure layout, and the hybrid one beside cgroup v1. */
const USUAL_MOUNT_POINTS = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'];

/**
 * The host's cgroup2 mount; undefined if it has none. cgroup.controllers exists only in cgroup2, so the usual places
 * cost one read of a small file; only another layout costs a read of mountinfo, which is long on a busy host.
 */
export function findHierarchy(): Hierarchy | undefined {
  for (const mountPoint of USUAL_MOUNT_POINTS) {
    const controllers = controllersAt(mountPoint);
    if (controllers) return { mountPoint, controllers };
  }
  const mountPoint = findCgroup2Mount(readFileSync('/proc/self/mountinfo', 'utf8'));
  const controllers = mountPoint === undefined ? undefined : controllersAt(mountPoint);
  return mountPoint !== undefined && controllers ? { mountPoint, controllers } : undefined;
}

function controllersAt(mountPoint: string): string[] | undefined {
  try {
    return words(readFileSync(join(mountPoint, 'cgroup.controllers'), 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * The mount point of cgroup2 in a mountinfo text. A mount of the whole hierarchy goes before one of a part; of equals
 * the last, which hides the others if they share the mount point.
 */
export function findCgroup2Mount(mountinfo: string): string | undefined {
  const mounts = parseMountinfo(mountinfo).filter(({ type }) => type === 'cgroup2');
  return (mounts.findLast(({ root }) => root === '/') ?? mounts.at(-1))?.mountPoint;
}

/** The cgroup v2 path of a /proc/PID/cgroup text (cgroups(7): the line "0::PATH"). */
export function parseProcCgroup(text: string): string | undefined {
  for (const line of text.split('\n'))
    if (line.startsWith('0::')) return line.slice('0::'.length).replace(/ \(deleted\)$/, '');
  return undefined;
}

/** The cgroup v2 path of a process, in the view of our cgroup namespace. */
export function cgroupOfProcess(pid: number | 'self'): string {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
  } catch (error) {
    throw TsociError.from(`read the cgroup of process ${pid}`, error);
  }
  const path = parseProcCgroup(text);
  if (path === undefined)
    throw new TsociError(`process ${pid} is in no cgroup v2: /proc/${pid}/cgroup has no 0:: line`);
  return path;
}

/** The directory of our own cgroup; undefined where cgroup2 is not mounted. */
export function currentCgroup(): string | undefined {
  const hierarchy = findHierarchy();
  return hierarchy && join(hierarchy.mountPoint, cgroupOfProcess('self'));
}
