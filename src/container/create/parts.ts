// Rooms that few configs need: loaded when one does, so that the others do not pay for them.

import type { Config } from '../../config/generated/types.ts';

export interface Parts {
  netDevices?: typeof import('../../network/net-devices.ts');
  intelRdt?: typeof import('../../security/intel-rdt.ts');
  filter?: typeof import('../init/seccomp-filter.ts');
  idmap?: typeof import('../../namespaces/idmap.ts');
  scope?: typeof import('./systemd-scope.ts');
}

export async function loadParts({ linux, mounts }: Config): Promise<Parts> {
  const parts: Parts = {};
  if (Object.keys(linux?.netDevices ?? {}).length > 0)
    parts.netDevices = await import('../../network/net-devices.ts');
  if (linux?.intelRdt) parts.intelRdt = await import('../../security/intel-rdt.ts');
  if (linux?.seccomp) parts.filter = await import('../init/seccomp-filter.ts');
  const mapped = mounts?.some(
    ({ options = [], uidMappings }) => uidMappings || options.includes('idmap') || options.includes('ridmap'),
  );
  if (mapped) parts.idmap = await import('../../namespaces/idmap.ts');
  return parts;
}
