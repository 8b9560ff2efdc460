// features.md and features-linux.md, from the tables by which tsoci works.

import { PREFIX as SYSTEMD_PROPERTY } from '../cgroups/systemd/unit-annotations.ts';
import { Hooks } from '../config/generated/outline.ts';
import type { Features } from '../config/generated/types.ts';
import { namespaceTypes } from '../config/generated/values.ts';
import { knownMountOptions } from '../config/mount-options.ts';
import { specVersion } from '../config/spec-version.ts';
import { ANNOTATION as CRIU_CONFIG } from '../criu/config-file.ts';
import { ANNOTATION as NETWORK } from '../network/network-options.ts';
import { securityFeatures } from '../security/features.ts';
import { DEBUG_ANNOTATION } from './debugging.ts';
import { commit, version } from './version.ts';

/** The lowest version whose configurations are accepted: the first that promises compatibility. */
const LOWEST_VERSION = '1.0.0';

export function features(): Features {
  const security = securityFeatures();
  return {
    ociVersionMin: LOWEST_VERSION,
    ociVersionMax: specVersion,
    hooks: Object.keys(Hooks.properties ?? {}),
    mountOptions: [...knownMountOptions],
    annotations: {
      'org.tsoci.version': version(),
      'org.tsoci.commit': commit(),
      // Engines look for it by this name.
      'org.opencontainers.runc.checkpoint.enabled': 'true',
      ...security.annotations,
    },
    potentiallyUnsafeConfigAnnotations: [
      'org.tsoci.overlay.',
      NETWORK,
      SYSTEMD_PROPERTY,
      CRIU_CONFIG,
      DEBUG_ANNOTATION,
    ],
    linux: {
      namespaces: [...namespaceTypes],
      cgroup: { v1: false, v2: true, systemd: true, systemdUser: true, rdma: true },
      mountExtensions: { idmap: { enabled: true } },
      netDevices: { enabled: true },
      ...security.linux,
    },
  };
}
