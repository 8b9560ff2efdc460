// The container's cgroup as a scope of systemd (systemd.scope(5)).

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Resources } from '../../config/generated/types.ts';
import { TsociError } from '../../linux/errors.ts';
import { randomUuid } from '../../linux/random.ts';
import { enableControllers, type Need, requireControllers } from '../controllers.ts';
import { cgroupOfProcess, type Hierarchy } from '../hierarchy.ts';
import { removeCgroup } from '../remove.ts';
import { applyWrite, filesOf } from '../resources/apply-resources.ts';
import { controllerNeeds, planResources } from '../resources/resource-plan.ts';
import { planUpdate, type Updated, updateCgroup } from '../update-cgroup.ts';
import { type Systemd, type Whom, withSystemd } from './manager.ts';
import { variant } from './marshal.ts';
import { type Property, propertiesOf } from './properties.ts';
import type { UnitNames } from './unit.ts';
import { annotatedProperties } from './unit-annotations.ts';

export interface ScopePlan {
  readonly names: UnitNames;
  readonly properties: readonly Property[];
  readonly needs: readonly Need[];
}

/**
 * A unit that can be told from others of its name: `mark` is an URI in its Documentation=, which is for those that
 * reference "documentation for this unit or its configuration" (systemd.unit(5)), and cannot be changed later.
 */
export interface MarkedUnit {
  readonly name: string;
  readonly mark: string;
}

/**
 * The mark of the unit of the container with this config.json: its URI and a token. Without "%": systemd 252 would take
 * that for a specifier when it is reloaded, and lose the value.
 */
export function newMark(savedConfig: string): string {
  const { href } = pathToFileURL(savedConfig);
  return `${href.replace(/%../g, '_')}#${randomUuid()}`;
}

/** Everything about the scope but its first process. Throws for what cannot be expressed. */
export function planScope(
  names: UnitNames,
  id: string,
  resources: Resources,
  annotations: Readonly<Record<string, string>> | undefined,
): ScopePlan {
  const accounting = ['CPUAccounting', 'MemoryAccounting', 'IOAccounting', 'TasksAccounting'];
  const properties = new Map([
    ['Description', variant('s', `tsoci container ${id}`)],
    ['Slice', variant('s', names.slice)],
    // The container divides its cgroup as it likes, and all controllers are on.
    ['Delegate', variant('b', true)],
    // Without those a scope would be stopped before its services at shutdown, and ordered after basic.target at boot.
    ['DefaultDependencies', variant('b', false)],
    // Gone with its last process, failed or not.
    ['CollectMode', variant('s', 'inactive-or-failed')],
    ...accounting.map((name) => [name, variant('b', true)] as const),
    ...propertiesOf(planResources(resources, () => true).writes),
    ...annotatedProperties(annotations),
  ]);
  return { names, properties: [...properties], needs: controllerNeeds(resources) };
}

/** Starts the scope with the mark, and `pid` in it. Returns the scope's cgroup directory. */
export function startScope(
  systemd: Systemd,
  { names, properties, needs }: ScopePlan,
  mark: string,
  hierarchy: Hierarchy,
  pid: number,
): string {
  requireControllers(hierarchy.mountPoint, hierarchy.controllers, needs);
  systemd.startTransientUnit(names.scope, [
    ...properties,
    // Added to what an annotation has set: the values of this property add up.
    ['Documentation', variant('as', [mark])],
    ['PIDs', variant('au', [pid])],
  ]);
  const path = cgroupOfProcess(pid);
  if (!path.endsWith(`/${names.scope}`))
    throw new TsociError(`start unit ${names.scope}: process ${pid} is in the cgroup ${path} afterwards`);
  enableNeeded(hierarchy, path, needs);
  return join(hierarchy.mountPoint, path);
}

/** systemd turns on what it knows; controllers that it does not (hugetlb, rdma) are turned on for a limit that needs them. */
function enableNeeded({ mountPoint, controllers }: Hierarchy, path: string, needs: readonly Need[]): void {
  const needed = controllers.filter((name) => needs.some(({ controller }) => controller === name));
  let directory = mountPoint;
  for (const name of path.split('/').filter((component) => component !== '')) {
    enableControllers(directory, needed, needs);
    directory = join(directory, name);
  }
}

/** New limits, in the cgroup first, where they are checked, and then told to systemd, lest it put back the old ones. */
export function updateScope(
  whom: Whom,
  unit: string,
  directory: string,
  current: Resources,
  changes: Resources,
): Updated {
  const updated = updateCgroup(directory, current, changes);
  const { writes } = planUpdate(current, changes, filesOf(directory));
  const properties = propertiesOf(writes);
  if (properties.length === 0) return updated;
  withSystemd(whom, (systemd) => systemd.setProperties(unit, properties));
  // systemd rounds, and writes the files of a controller together: what was asked for has the last word.
  for (const { notBelow: _, ...write } of writes) applyWrite(directory, write);
  return updated;
}

/**
 * Kills what is in the scope, and has systemd forget it. A unit that has its name by now but not its mark is left alone.
 * `directory` is unknown where `create` did not get as far as to learn it.
 */
export function removeScope(
  whom: Whom,
  { name, mark }: MarkedUnit,
  directory: string | undefined,
  hierarchy: Hierarchy | undefined,
): void {
  withSystemd(whom, (systemd) => {
    const documentation = systemd.documentationOf(name);
    if (documentation && !documentation.includes(mark)) return;
    if (directory !== undefined && hierarchy) removeCgroup(directory, hierarchy.mountPoint);
    if (!documentation) return;
    // By its own means systemd would first send SIGTERM, which the init of a pid namespace ignores.
    systemd.killUnit(name);
    systemd.stopUnit(name);
    systemd.resetFailed(name);
  });
}
