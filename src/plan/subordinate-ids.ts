// Whether an ordinary user may map ids as linux.uidMappings and linux.gidMappings want it (newuidmap(1), subuid(5)).

import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { IDMapping, Linux } from '../config/generated/types.ts';
import type { Caller } from '../launcher/caller.ts';
import { TsociError } from '../linux/errors.ts';
import { planNamespaces } from '../namespaces/namespace-plan.ts';

interface Range {
  first: number;
  count: number;
}

/** Throws for the first mapping that newuidmap(1) or newgidmap(1) would refuse. */
export function checkSubordinateIds(caller: Caller, linux: Linux): void {
  if (caller.uid === 0 || !planNamespaces(linux.namespaces ?? []).create.has('user')) return;
  const { uidMappings = [], gidMappings = [] } = linux;
  check(caller, uidMappings, {
    property: 'linux.uidMappings',
    own: caller.uid,
    helper: 'newuidmap',
    file: '/etc/subuid',
  });
  check(caller, gidMappings, {
    property: 'linux.gidMappings',
    own: caller.gid,
    helper: 'newgidmap',
    file: '/etc/subgid',
  });
}

function check(
  caller: Caller,
  mappings: readonly IDMapping[],
  { property, own, helper, file }: { property: string; own: number; helper: string; file: string },
): void {
  // One id of one's own needs nobody's leave.
  const [only] = mappings;
  if (mappings.length === 1 && only?.size === 1 && only.hostID === own) return;
  if (!inPath(helper, caller))
    throw new TsociError(
      `map ids: ${helper} is not in PATH; install the package uidmap (Debian) or shadow-utils`,
    ).for(property);
  const ranges = rangesOf(file, caller.uid);
  mappings.forEach(({ hostID, size }, i) => {
    if (hostID === own && size === 1) return;
    if (ranges.some(({ first, count }) => hostID >= first && hostID + size <= first + count)) return;
    const given = ranges.map(({ first, count }) => `${first} to ${first + count - 1}`).join(', ') || 'none';
    const wanted = `${hostID} to ${hostID + size - 1}`;
    throw new TsociError(`map ids ${wanted}: ${file} gives user ${caller.uid} ${given}`).for(
      `${property}[${i}]`,
    );
  });
}

function inPath(name: string, { env }: Caller): boolean {
  return (env.PATH || '/usr/local/bin:/usr/bin:/bin').split(':').some((directory) => {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** subuid(5): NAME-OR-UID:FIRST:COUNT. */
function rangesOf(file: string, uid: number): Range[] {
  const names = [String(uid), ...lines('/etc/passwd').flatMap((line) => nameOf(line, uid))];
  return lines(file).flatMap((line) => {
    const [name = '', first, count] = line.split(':');
    return names.includes(name) ? [{ first: Number(first), count: Number(count) }] : [];
  });
}

function nameOf(passwdLine: string, uid: number): string[] {
  const [name = '', , id] = passwdLine.split(':');
  return id === String(uid) ? [name] : [];
}

function lines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}
