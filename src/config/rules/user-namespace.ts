// config-linux.md#user-namespace-mappings

import { error, type Finding, warning } from '../finding.ts';
import type { Config, IDMapping } from '../generated/types.ts';
import { namespaceOf } from './namespaces.ts';

const section = 'config-linux.md#user-namespace-mappings';
/** linux/user_namespace.h: UID_GID_MAP_MAX_EXTENTS. */
const MAX_EXTENTS = 340;
/** The kernel's ids are of 32 bits, the last of which is no id (user_namespaces(7)). */
const END_OF_IDS = 0xffffffff;

export function userNamespace(config: Config): Finding[] {
  const { uidMappings = [], gidMappings = [] } = config.linux ?? {};
  const mapped = uidMappings.length > 0 || gidMappings.length > 0;
  const pointer = uidMappings.length > 0 ? '/linux/uidMappings' : '/linux/gidMappings';
  const user = namespaceOf(config, 'user');
  if (!user)
    return mapped
      ? [error(pointer, 'has no user namespace', 'one of type user in linux.namespaces', section)]
      : [];
  if (user.path)
    return mapped
      ? [warning(pointer, 'is ignored', 'no mappings for a user namespace that is joined', section)]
      : [];
  if (!mapped)
    return [error('/linux/uidMappings', 'is missing', 'mappings for the new user namespace', section)];
  return [
    ...mappingErrors('/linux/uidMappings', uidMappings),
    ...mappingErrors('/linux/gidMappings', gidMappings),
    ...unmappedIds(config, uidMappings, gidMappings),
  ];
}

/** What the kernel refuses to be written to uid_map or gid_map (user_namespaces(7)). */
export function mappingErrors(pointer: string, mappings: readonly IDMapping[]): Finding[] {
  const findings: Finding[] = [];
  if (mappings.length > MAX_EXTENTS)
    findings.push(error(pointer, `has ${mappings.length} entries`, `at most ${MAX_EXTENTS}`, section));
  // Those beyond can do nothing about it.
  const possible = mappings.slice(0, MAX_EXTENTS);
  for (const [i, { containerID, hostID, size }] of possible.entries()) {
    if (size === 0) findings.push(error(`${pointer}/${i}/size`, 'is 0', 'at least 1', section));
    for (const [name, first] of [
      ['containerID', containerID],
      ['hostID', hostID],
    ] as const) {
      if (first + size > END_OF_IDS)
        findings.push(error(`${pointer}/${i}/size`, `goes beyond the last id from ${name}`, 'less', section));
      const other = possible.findIndex((m, j) => j < i && first < m[name] + m.size && m[name] < first + size);
      if (other >= 0)
        findings.push(error(`${pointer}/${i}/${name}`, `overlaps entry ${other}`, 'ranges apart', section));
    }
  }
  return findings;
}

/** Nobody can become an id that the user namespace does not have: EINVAL of setresuid(2). */
function unmappedIds(config: Config, uids: readonly IDMapping[], gids: readonly IDMapping[]): Finding[] {
  if (!config.process || Math.max(uids.length, gids.length) > MAX_EXTENTS) return [];
  const { uid = 0, gid = 0, additionalGids = [] } = config.process.user ?? {};
  const ids = [
    { pointer: '/process/user/uid', id: uid, mappings: uids, name: 'linux.uidMappings' },
    { pointer: '/process/user/gid', id: gid, mappings: gids, name: 'linux.gidMappings' },
    ...additionalGids.map((id, i) => {
      return { pointer: `/process/user/additionalGids/${i}`, id, mappings: gids, name: 'linux.gidMappings' };
    }),
  ];
  return ids
    .filter(({ id, mappings }) => !mappings.some((m) => id >= m.containerID && id < m.containerID + m.size))
    .map(({ pointer, id, name }) =>
      error(pointer, `is ${id}, which the user namespace does not have`, `an id of ${name}`, section),
    );
}
