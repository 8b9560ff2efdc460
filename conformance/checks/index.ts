// All checks, in the order of the specification.

import type { Check } from '../harness/check.ts';
import { checks as capabilities } from './capabilities.ts';
import { checks as cgroupOwner } from './cgroup-owner.ts';
import { checks as cgroups } from './cgroups.ts';
import { checks as create } from './create.ts';
import { checks as delete_ } from './delete.ts';
import { checks as deviceRules } from './device-rules.ts';
import { checks as devices } from './devices.ts';
import { checks as hooks } from './hooks.ts';
import { checks as hooksContext } from './hooks-context.ts';
import { checks as hooksFailure } from './hooks-failure.ts';
import { checks as hooksTiming } from './hooks-timing.ts';
import { checks as idmap } from './idmap.ts';
import { checks as kill } from './kill.ts';
import { checks as memory } from './memory.ts';
import { checks as mountDestinations } from './mount-destinations.ts';
import { checks as mountOptions } from './mount-options.ts';
import { checks as mountTrees } from './mount-trees.ts';
import { checks as mounts } from './mounts.ts';
import { checks as namespaces } from './namespaces.ts';
import { checks as networkDevices } from './network-devices.ts';
import { checks as paths } from './paths.ts';
import { checks as process } from './process.ts';
import { checks as propagation } from './propagation.ts';
import { checks as resources } from './resources.ts';
import { checks as resourcesErrors } from './resources-errors.ts';
import { checks as rlimits } from './rlimits.ts';
import { checks as root } from './root.ts';
import { checks as scheduling } from './scheduling.ts';
import { checks as seccomp } from './seccomp.ts';
import { checks as seccompNotify } from './seccomp-notify.ts';
import { checks as seccompValues } from './seccomp-values.ts';
import { checks as start } from './start.ts';
import { checks as state } from './state.ts';
import { checks as sysctl } from './sysctl.ts';
import { checks as terminal } from './terminal.ts';
import { checks as unified } from './unified.ts';
import { checks as user } from './user.ts';
import { checks as userns } from './userns.ts';
import { checks as values } from './values.ts';

export const checks: readonly Check[] = [
  ...state,
  ...create,
  ...start,
  ...kill,
  ...delete_,
  ...hooks,
  ...hooksTiming,
  ...hooksContext,
  ...hooksFailure,
  ...root,
  ...mounts,
  ...mountDestinations,
  ...mountOptions,
  ...mountTrees,
  ...process,
  ...terminal,
  ...user,
  ...capabilities,
  ...rlimits,
  ...scheduling,
  ...values,
  ...namespaces,
  ...userns,
  ...devices,
  ...paths,
  ...sysctl,
  ...propagation,
  ...seccomp,
  ...seccompValues,
  ...seccompNotify,
  ...cgroups,
  ...resources,
  ...resourcesErrors,
  ...deviceRules,
  ...unified,
  ...cgroupOwner,
  ...idmap,
  ...networkDevices,
  ...memory,
];
