// update: new limits for a container that lives.

import { existsSync } from 'node:fs';
import { updateCgroup } from '../cgroups/update-cgroup.ts';
import type { IntelRdt, Resources } from '../config/generated/types.ts';
import { stringifyJson } from '../config/stringify.ts';
import type { Caller } from '../launcher/caller.ts';
import { TsociError } from '../linux/errors.ts';
import { withLock } from './state/lock.ts';
import { readSavedConfig, readSavedResources } from './state/saved.ts';
import { currentStatus, readRecord, savedResources, writeAtomically } from './state/store.ts';

export interface UpdateOptions {
  root: string;
  id: string;
  /** What is to change; what is not named stays. */
  resources: Resources;
  /** New schemas of its class of service in resctrl. */
  intelRdt?: Pick<IntelRdt, 'l3CacheSchema' | 'memBwSchema'> | undefined;
}

export async function updateContainer(
  caller: Caller,
  { root, id, resources: changes, intelRdt }: UpdateOptions,
): Promise<void> {
  // A container does not change its cgroup manager, so the module can be loaded before the lock is taken.
  const systemd = readRecord(root, id).unit && (await import('./create/systemd-scope.ts'));
  const rdt = intelRdt && (await import('../security/intel-rdt.ts'));
  withLock(root, id, (directory) => {
    const record = readRecord(root, id);
    const status = currentStatus(directory, record);
    if (status === 'stopped' || status === 'creating')
      throw new TsociError(`update ${id}: the container is ${status}`);
    if (rdt && intelRdt) {
      const resctrl = rdt.findResctrl();
      rdt.updateIntelRdt(readSavedConfig(directory).linux?.intelRdt, intelRdt, { id, resctrl });
      if (Object.keys(changes).length === 0) return;
    }
    if (!record.cgroup) throw new TsociError(`update ${id}: the container has no cgroup`);
    const current = currentResources(directory);
    const { resources, warnings } =
      systemd && record.unit
        ? systemd.updateUnit(caller, record.unit, record.cgroup, current, changes)
        : updateCgroup(record.cgroup, current, changes);
    for (const warning of warnings) caller.warn(warning);
    writeAtomically(savedResources(directory), stringifyJson(resources));
  });
}

/** The limits of the last update, or else of the config. */
function currentResources(directory: string): Resources {
  const updated = savedResources(directory);
  if (existsSync(updated)) return readSavedResources(directory);
  return readSavedConfig(directory).linux?.resources ?? {};
}
