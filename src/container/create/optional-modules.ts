// Modules that few configs need. Each is imported for a config that needs it, so that other configs do not pay for it.

import type { Config } from '../../config/generated/types.ts';

export interface OptionalModules {
  /** linux.netDevices */
  netDevices?: typeof import('../../network/net-devices.ts');
  /** linux.intelRdt */
  intelRdt?: typeof import('../../security/intel-rdt.ts');
  /** linux.seccomp */
  seccomp?: typeof import('../init/seccomp-filter.ts');
  /** mounts[].uidMappings, and the options idmap and ridmap. */
  idmap?: typeof import('../../namespaces/idmap.ts');
  /** --systemd-cgroup */
  systemd?: typeof import('./systemd-scope.ts');
}

export async function importModules(
  { linux, mounts }: Config,
  { systemd }: { systemd: boolean },
): Promise<OptionalModules> {
  const modules: OptionalModules = {};
  if (Object.keys(linux?.netDevices ?? {}).length > 0)
    modules.netDevices = await import('../../network/net-devices.ts');
  if (linux?.intelRdt) modules.intelRdt = await import('../../security/intel-rdt.ts');
  if (linux?.seccomp) modules.seccomp = await import('../init/seccomp-filter.ts');
  const mapped = mounts?.some(
    ({ options = [], uidMappings }) => uidMappings || options.includes('idmap') || options.includes('ridmap'),
  );
  if (mapped) modules.idmap = await import('../../namespaces/idmap.ts');
  if (systemd) modules.systemd = await import('./systemd-scope.ts');
  return modules;
}
