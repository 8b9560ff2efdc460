// The container's cgroup as a scope of systemd (--systemd-cgroup).

import { closeSync } from 'node:fs';
import { refuseFrozen } from '../../cgroups/cgroup-processes.ts';
import { openCgroup } from '../../cgroups/create-cgroup.ts';
import { findHierarchy, type Hierarchy } from '../../cgroups/hierarchy.ts';
import { removeCgroup } from '../../cgroups/remove.ts';
import { type Whom, withSystemd } from '../../cgroups/systemd/manager.ts';
import {
  newMark,
  planScope,
  removeScope,
  type ScopePlan,
  startScope,
  updateScope,
} from '../../cgroups/systemd/transient-scope.ts';
import { unitNames } from '../../cgroups/systemd/unit.ts';
import type { Updated } from '../../cgroups/update-cgroup.ts';
import type { Config, Resources } from '../../config/generated/types.ts';
import type { Caller } from '../../launcher/caller.ts';
import { messageOf, TsociError } from '../../linux/errors.ts';
import { inUserNamespace } from '../../linux/procfs.ts';
import type { ContainerUnit } from '../state/record.ts';
import { savedConfig } from '../state/store.ts';
import { limitCgroup } from './cgroup.ts';

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
  return { whom: whomFor(caller, user), scope, hierarchy };
}

/** The unit as it is recorded before systemd is asked for it: then `delete` knows of it, even if we are killed meanwhile. */
export function markUnit({ whom, scope }: UnitPlan, directory: string): ContainerUnit {
  return { name: scope.names.scope, user: whom.user, mark: newMark(savedConfig(directory)) };
}

function whomFor({ env, uid }: Caller, user: boolean): Whom {
  return { env, uid, user };
}

/**
 * Starts the scope with init in it, which is still a stub, and sets the limits that systemd does not know. Returns the
 * directory of its cgroup.
 */
export function placeInit(
  caller: Caller,
  { whom, scope, hierarchy }: UnitPlan,
  unit: ContainerUnit,
  config: Config,
  pid: number,
  undo: DisposableStack,
): string {
  let directory: string | undefined;
  directory = withSystemd(whom, (systemd) => {
    // Deferred before the start: systemd may have made the unit even if the start fails.
    undo.defer(() => removeScope(whom, unit, directory, hierarchy));
    return startScope(systemd, scope, unit.mark, hierarchy, pid);
  });
  // The scope is new, but its slice may be frozen.
  refuseFrozen(directory);
  const fd = openCgroup(directory);
  try {
    limitCgroup(caller, { directory, fd }, config);
  } finally {
    closeSync(fd);
  }
  return directory;
}

export function updateUnit(
  caller: Caller,
  { name, user }: ContainerUnit,
  directory: string,
  current: Resources,
  changes: Resources,
): Updated {
  return updateScope(whomFor(caller, user), name, directory, current, changes);
}

/** Where systemd cannot be reached, the container's processes and its cgroup are removed without it. */
export function removeUnit(caller: Caller, unit: ContainerUnit, directory: string | undefined): void {
  const hierarchy = findHierarchy();
  try {
    removeScope(whomFor(caller, unit.user), unit, directory, hierarchy);
  } catch (error) {
    caller.warn(`remove unit ${unit.name}: ${messageOf(error)}`);
    if (directory !== undefined && hierarchy) removeCgroup(directory, hierarchy.mountPoint);
  }
}
