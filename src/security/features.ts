// The part of `features` that is about security (features-linux.md).

import type { Features, LinuxFeatures, SeccompFeatures } from '../config/generated/types.ts';
import {
  capabilityNames,
  memoryPolicyFlags,
  memoryPolicyModes,
  seccompActions,
  seccompArches,
  seccompFlags,
  seccompOperators,
} from '../config/generated/values.ts';
import { supportedFlags } from './seccomp/filter-flags.ts';
import { tryLibseccomp } from './seccomp/libseccomp.ts';
import { archName } from './seccomp/names.ts';

type SecurityFeatures = Pick<
  NonNullable<LinuxFeatures>,
  'capabilities' | 'seccomp' | 'apparmor' | 'selinux' | 'memoryPolicy' | 'intelRdt'
>;

/** What this build, on this machine, can do. Loads libseccomp, if it is there, to ask what that knows. */
export function securityFeatures(): { linux: SecurityFeatures; annotations: Features['annotations'] } {
  const library = tryLibseccomp();
  const seccomp: SeccompFeatures = {
    enabled: library !== undefined,
    actions: [...seccompActions],
    operators: [...seccompOperators],
    archs: seccompArches.filter((arch) => library?.resolveArch(archName(arch)) !== undefined),
    knownFlags: [...seccompFlags],
    supportedFlags: supportedFlags(),
  };
  return {
    linux: {
      capabilities: [...capabilityNames],
      seccomp,
      apparmor: { enabled: true },
      selinux: { enabled: true },
      memoryPolicy: { modes: [...memoryPolicyModes], flags: [...memoryPolicyFlags] },
      intelRdt: { enabled: true, schemata: true, monitoring: true },
    },
    annotations: library ? { 'io.github.seccomp.libseccomp.version': library.version } : {},
  };
}
