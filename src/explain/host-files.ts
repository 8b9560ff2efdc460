// Which open descriptors of a process lead to files that its mount namespace does not have: to files of the host.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface HostFile {
  readonly fd: number;
  /** The path as the process's mount namespace would show it, or what the kernel calls the file. */
  readonly path: string;
}

/** Empty for a process in the caller's mount namespace: every file is the host's there. */
export function hostFiles(pid: number): HostFile[] {
  const own = mountIds(pid);
  return descriptors(pid).flatMap((fd) => {
    const found = describe(pid, fd);
    // Pipes, sockets and anonymous inodes have no mount that anybody could reach.
    if (found === undefined || !found.path.startsWith('/') || own.has(found.mount)) return [];
    return found.path.startsWith('/memfd:') ? [] : [{ fd, path: found.path }];
  });
}

function mountIds(pid: number): ReadonlySet<string> {
  const lines = readFileSync(`/proc/${pid}/mountinfo`, 'utf8').split('\n');
  return new Set(lines.map((line) => line.split(' ', 1)[0] ?? ''));
}

function descriptors(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/fd`)
      .map(Number)
      .sort((a, b) => a - b);
  } catch {
    return [];
  }
}

/** A descriptor may be closed while it is looked at. */
function describe(pid: number, fd: number): { path: string; mount: string } | undefined {
  try {
    const mount = /^mnt_id:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))?.[1];
    return { path: readlinkSync(`/proc/${pid}/fd/${fd}`), mount: mount ?? '' };
  } catch {
    return undefined;
  }
}
