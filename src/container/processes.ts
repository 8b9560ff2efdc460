// The processes of a container, as pids of the runtime's pid namespace.

import { processesOf } from '../cgroups/cgroup-processes.ts';
import { isAlive } from '../linux/procfs.ts';
import { type HeldNamespace, holdNamespace } from '../namespaces/members.ts';
import { ownCgroup } from './create/cgroup.ts';
import type { ContainerRecord } from './state/record.ts';
import { containerDirectory, currentStatus, readRecord } from './state/store.ts';

/** None where the container is stopped, as with runc and crun. */
export function containerPids(root: string, id: string): number[] {
  const record = readRecord(root, id);
  const stopped = currentStatus(containerDirectory(root, id), record) === 'stopped';
  // The container has ended; what its init has left behind in the cgroup is for `kill` and `delete`.
  return stopped ? [] : membersOf(record);
}

/** The processes in the container's cgroup; without a cgroup, those in its own namespace, or init alone. */
export function membersOf(record: ContainerRecord): number[] {
  if (record.cgroup !== undefined) {
    const cgroup = ownCgroup(record);
    return cgroup === undefined ? [] : processesOf(cgroup);
  }
  using namespace = holdOwnNamespace(record);
  if (namespace) return namespace.members();
  return record.init && isAlive(record.init.pid, record.init.startTime) ? [record.init.pid] : [];
}

/** The namespace that was made for the container, which is found through its init: undefined once that has ended. */
export function holdOwnNamespace({ init, ownNamespace }: ContainerRecord): HeldNamespace | undefined {
  if (!init || !ownNamespace) return undefined;
  const namespace = holdNamespace(init.pid, ownNamespace);
  // Init is looked at after its namespace was opened: if init is still there, the namespace is its own.
  if (isAlive(init.pid, init.startTime)) return namespace;
  namespace?.[Symbol.dispose]();
  return undefined;
}
