// New limits for a cgroup that is in use.

import { closeSync } from 'node:fs';
import type { Resources } from '../config/generated/types.ts';
import { readCgroupFile, words } from './cgroup-files.ts';
import { requireControllers } from './controllers.ts';
import { openCgroup } from './create-cgroup.ts';
import { applyDevices } from './devices/apply-devices.ts';
import { decide, parseRules } from './devices/device-rules.ts';
import { applyOrRestore, filesOf } from './resources/apply-resources.ts';
import { mergeResources } from './resources/merge.ts';
import { needsOfWrites, planResources } from './resources/resource-plan.ts';
import type { HasFile, Plan } from './resources/resource-types.ts';

export interface Updated {
  /** All resources of the container from now on, to be remembered for the next update. */
  readonly resources: Resources;
  readonly warnings: readonly string[];
}

/**
 * Changes the limits that `changes` names, and those that depend on them (swap on memory). `current` is what the
 * container has so far. If the kernel refuses one, those set before it get their former values again.
 */
export function updateCgroup(directory: string, current: Resources, changes: Resources): Updated {
  const resources = mergeResources(current, changes);
  decide(parseRules(changes.devices ?? []));
  // Controllers first: without one its files are missing, which a plan would explain less well.
  const needs = needsOfWrites(planUpdate(current, changes, () => true).writes);
  requireControllers(directory, words(readCgroupFile(directory, 'cgroup.controllers')), needs);
  const { writes, warnings } = planUpdate(current, changes, filesOf(directory));
  applyOrRestore(directory, writes);
  if (changes.devices && changes.devices.length > 0) replaceDevices(directory, changes.devices);
  return { resources, warnings };
}

function replaceDevices(directory: string, rules: NonNullable<Resources['devices']>): void {
  const fd = openCgroup(directory);
  try {
    applyDevices(fd, rules);
  } finally {
    closeSync(fd);
  }
}

/** The writes of an update: of the merged resources what is named, and what comes out other than before. */
export function planUpdate(current: Resources, changes: Resources, has: HasFile): Plan {
  const { writes, warnings } = planResources(mergeResources(current, changes), has);
  const before = new Set(planResources(current, has).writes.map(({ file, value }) => `${file} ${value}`));
  const named = namedFields(changes);
  const isNamed = (field: string) =>
    named.some(
      (name) => field === name || (field.startsWith(name) && '.['.includes(field[name.length] ?? '')),
    );
  return {
    writes: writes.filter(({ file, value, field }) => isNamed(field) || !before.has(`${file} ${value}`)),
    warnings,
  };
}

/** linux.resources.memory.limit, linux.resources.hugepageLimits, … */
function namedFields(changes: Resources): string[] {
  return Object.entries(changes).flatMap(([section, value]) => {
    const path = `linux.resources.${section}`;
    if (Array.isArray(value)) return [path];
    const isMap = section === 'rdma' || section === 'unified';
    return Object.keys(value ?? {}).map((key) =>
      isMap ? `${path}[${JSON.stringify(key)}]` : `${path}.${key}`,
    );
  });
}
