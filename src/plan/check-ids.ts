// Whether an ordinary user may map ids as linux.uidMappings and linux.gidMappings want it (newuidmap(1), subuid(5)).

import type { IDMapping, Linux } from '../config/generated/types.ts';
import type { Caller } from '../launcher/caller.ts';
import { TsociError } from '../linux/errors.ts';
import { planNamespaces } from '../namespaces/namespace-plan.ts';
import { isInPath, subordinateRanges } from '../namespaces/subordinate-ids.ts';

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
  if (!isInPath(helper, caller))
    throw new TsociError(
      `map ids: ${helper} is not in PATH; install the package uidmap (Debian) or shadow-utils`,
    ).for(property);
  const ranges = subordinateRanges(file, caller.uid);
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
