// The container's cgroup in the hands of systemd: loaded where --systemd-cgroup was asked for.

import { closeSync } from 'node:fs';
import { openCgroup } from '../cgroups/create.ts';
import { findHierarchy, type Hierarchy } from '../cgroups/hierarchy.ts';
import type { Whom } from '../cgroups/systemd/manager.ts';
import { planScope, removeScope, type ScopePlan, startScope, updateScope } from '../cgroups/systemd/scope.ts';
import { unitNames } from '../cgroups/systemd/unit.ts';
import type { Updated } from '../cgroups/update.ts';
import type { Config, Resources } from '../config/generated/types.ts';
import type { Caller } from '../linux/caller.ts';
import { messageOf, TsociError } from '../linux/errors.ts';
import { inUserNamespace } from '../linux/procfs.ts';
import { limitCgroup } from './cgroup.ts';
import type { ContainerUnit } from './record.ts';
import type { Undo } from './undo.ts';

export interface UnitPlan {
  whom: Whom;
  scope: ScopePlan;
  hierarchy: Hierarchy;
}

/** What will be asked of systemd. Throws for a config that it cannot be asked for. */
export function planUnit(caller: Caller, id: string, config: Config): UnitPlan {
  const hierarchy = findHierarchy();
  if (!hierarchy)
    throw new TsociError('the systemd cgroup manager needs cgroup v2, which is not mounted here');
  // The system's manager obeys root; a user, and root of a user namespace, has a manager of its own.
  const user = caller.uid !== 0 || inUserNamespace();
  const names = unitNames(config.linux?.cgroupsPath, id, user ? 'user.slice' : 'system.slice');
  const scope = planScope(names, id, config.linux?.resources ?? {}, config.annotations);
  return { whom: { env: caller.env, uid: caller.uid, user }, scope, hierarchy };
}

/** Starts the scope with init in it, which is still a stub, and sets the limits that systemd does not know. */
export function placeInit(
  caller: Caller,
  { whom, scope, hierarchy }: UnitPlan,
  config: Config,
  pid: number,
  undo: Undo,
): { cgroup: string; unit: ContainerUnit } {
  const directory = startScope(whom, scope, hierarchy, pid);
  undo.add(() => removeScope(whom, scope.names.scope, directory, hierarchy));
  const fd = openCgroup(directory);
  try {
    limitCgroup(caller, { directory, fd }, config);
  } finally {
    closeSync(fd);
  }
  return { cgroup: directory, unit: { name: scope.names.scope, user: whom.user } };
}

export function updateUnit(
  caller: Caller,
  { name, user }: ContainerUnit,
  directory: string,
  current: Resources,
  changes: Resources,
): Updated {
  return updateScope({ env: caller.env, uid: caller.uid, user }, name, directory, current, changes);
}

/** A systemd that cannot be reached does not keep a container from being deleted: its processes and cgroup are gone. */
export function removeUnit(caller: Caller, { name, user }: ContainerUnit, directory: string): void {
  try {
    removeScope({ env: caller.env, uid: caller.uid, user }, name, directory, findHierarchy());
  } catch (error) {
    caller.warn(`remove unit ${name}: ${messageOf(error)}`);
  }
}
