// linux.resources for a new cgroup, in two steps: what it takes to make the cgroup, and the limits once it is made.

import type { Resources } from '../config/generated/types.ts';
import type { Need } from './controllers.ts';
import { applyDevices } from './devices/apply-devices.ts';
import { decide, parseRules } from './devices/device-rules.ts';
import { applyResources } from './resources/apply-resources.ts';
import { controllerNeeds } from './resources/resource-plan.ts';

/** What `createCgroup` must provide. Throws for resources that are malformed or that cgroup v2 cannot express. */
export function needsOf(resources: Resources): Need[] {
  decide(parseRules(resources.devices ?? []));
  return controllerNeeds(resources);
}

/** Whether the resources ask for anything at all; if not, a container can do without a cgroup. */
export function isLimited(resources: Resources): boolean {
  return (resources.devices ?? []).length > 0 || controllerNeeds(resources).length > 0;
}

/** Sets all limits of a new cgroup. Returns warnings for a person. Without device rules all devices stay allowed. */
export function limitCgroup(cgroup: { directory: string; fd: number }, resources: Resources): string[] {
  const warnings = applyResources(cgroup.directory, resources);
  const { devices = [] } = resources;
  if (devices.length > 0) applyDevices(cgroup.fd, devices);
  return warnings;
}
