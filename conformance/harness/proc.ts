// What proc(5) says about processes and mounts, seen from the host.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NamespaceType } from './config.ts';
import { Failure } from './expect.ts';

/** A line of /proc/PID/mountinfo, proc(5). */
export interface MountInfo {
  id: string;
  parent: string;
  /** The part of the filesystem that is mounted. */
  root: string;
  point: string;
  /** Options of this mount: `ro`, `nosuid`, `noatime`. */
  options: string[];
  /** `shared:1`, `master:2`, `unbindable`. */
  propagation: string[];
  type: string;
  source: string;
  /** Options of the filesystem. */
  superOptions: string[];
}

export function parseMountInfo(text: string): MountInfo[] {
  const lines = text.split('\n').filter((line) => line.includes(' - '));
  return lines.map((line) => {
    const [mount = '', filesystem = ''] = line.split(' - ');
    const [id = '', parent = '', , root = '', point = '', options = '', ...propagation] = mount.split(' ');
    const [type = '', source = '', superOptions = ''] = filesystem.split(' ');
    return {
      id,
      parent,
      root,
      point,
      options: options.split(','),
      propagation,
      type,
      source,
      superOptions: superOptions.split(','),
    };
  });
}

export function hostMounts(): MountInfo[] {
  return parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'));
}

/** The topmost mount at a path, in what a container printed or in the host's mounts. */
export function mountAt(mounts: MountInfo[], point: string): MountInfo {
  const found = mounts.findLast((mount) => mount.point === point);
  if (!found) throw new Failure(`nothing is mounted on ${point}`);
  return found;
}

/** False for a zombie too: the process has exited. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

const NAMESPACE_FILES: Record<NamespaceType, string> = {
  pid: 'pid',
  network: 'net',
  mount: 'mnt',
  ipc: 'ipc',
  uts: 'uts',
  user: 'user',
  cgroup: 'cgroup',
  time: 'time',
};

/** /proc/PID/ns/TYPE, by the specification's name of the type. */
export function namespaceFile(pid: number | 'self', type: NamespaceType): string {
  return `/proc/${pid}/ns/${NAMESPACE_FILES[type]}`;
}

/** The identity of a process's namespace: `net:[4026531840]`. */
export function namespaceOf(pid: number | 'self', type: NamespaceType): string {
  return readlinkSync(namespaceFile(pid, type));
}

/** A field of /proc/PID/status, from its text: `CapEff`. */
export function statusField(status: string, field: string): string {
  return new RegExp(`^${field}:[ \\t]*(.*)$`, 'm').exec(status)?.[1]?.trim() ?? '';
}

/** Processes whose command line has this word in it. */
export function processesWith(word: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => isAlive(pid) && commandLine(pid).includes(word));
}

/** The arguments of a process; none when it is gone. */
export function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}

/** Waits for something that happens on its own, at most `limit` milliseconds. */
export async function until(happened: () => boolean, what: string, limit = 15_000): Promise<void> {
  const end = Date.now() + limit;
  while (!happened()) {
    if (Date.now() > end) throw new Failure(`${what} did not happen within ${limit / 1000} s`);
    await sleep(5);
  }
}
