// Whose a container is: the process that made it, as its directory and an annotation tell it. When that process is gone,
// whatever has its name is left over (Runtime.sweep).

import { readFileSync, readlinkSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemError } from './tsoci-error.ts';

/** The annotation of each container that this library makes. */
export const OWNER_ANNOTATION = 'org.tsoci.library.owner';

const PREFIX = 'tsoci-library-';

/**
 * The pid namespace, the pid and the start time of this process. The start time tells it from a later process with the same
 * pid (proc_pid_stat(5), field 22).
 */
export function ownName(): string {
  return `${pidNamespace()}-${process.pid}-${startTime(process.pid)}`;
}

/** Whether the process of that name has ended. One of another pid namespace cannot be looked at, and counts as there. */
export function isGone(owner: string): boolean {
  const [namespace, pid = '', start] = owner.split('-');
  return namespace === pidNamespace() && startTime(Number(pid)) !== start;
}

/** Makes a directory for one container. */
export async function makeDirectory(parent: string): Promise<string> {
  const prefix = join(parent, `${PREFIX}${ownName()}-`);
  try {
    return await mkdtemp(prefix);
  } catch (error) {
    throw systemError('make a directory', prefix, error);
  }
}

/** Removes the directories whose owners are gone. */
export async function sweepDirectories(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const owner = name.startsWith(PREFIX) ? name.slice(PREFIX.length, name.lastIndexOf('-')) : undefined;
    if (owner !== undefined && isGone(owner)) await rm(join(parent, name), { recursive: true, force: true });
  }
}

/** The number in `pid:[4026531836]`. */
function pidNamespace(): string {
  return readlinkSync('/proc/self/ns/pid').replace(/\D/g, '');
}

function startTime(pid: number): string | undefined {
  try {
    // The second field, the name, may hold blanks and parentheses.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
