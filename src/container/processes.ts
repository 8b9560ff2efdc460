// The processes of a container, as pids of the runtime's pid namespace.

import { processesOf } from '../cgroups/cgroup-processes.ts';
import { TsociError } from '../linux/errors.ts';
import { containerDirectory, currentStatus, readRecord } from './state/store.ts';

/** Those in its cgroup; without one, its init. */
export function containerPids(root: string, id: string): number[] {
  const record = readRecord(root, id);
  const status = currentStatus(containerDirectory(root, id), record);
  if (status === 'stopped' || !record.init) throw new TsociError(`ps ${id}: the container is ${status}`);
  return record.cgroup ? processesOf(record.cgroup) : [record.init.pid];
}
