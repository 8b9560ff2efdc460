// pause and resume: the container's cgroup frozen and thawed.

import { freezeCgroup, thawCgroup } from '../cgroups/freeze.ts';
import { TsociError } from '../linux/errors.ts';
import { withLock } from './state/lock.ts';
import type { Status } from './state/record.ts';
import { currentStatus, readRecord } from './state/store.ts';

export function pauseContainer(root: string, id: string): void {
  change('pause', root, id, ['running', 'created'], freezeCgroup);
}

export function resumeContainer(root: string, id: string): void {
  change('resume', root, id, ['paused'], thawCgroup);
}

function change(
  doing: string,
  root: string,
  id: string,
  from: readonly Status[],
  act: (cgroup: string) => void,
): void {
  withLock(root, id, (directory) => {
    const record = readRecord(root, id);
    const status = currentStatus(directory, record);
    if (!from.includes(status)) throw new TsociError(`${doing} ${id}: the container is ${status}`);
    if (!record.cgroup) throw new TsociError(`${doing} ${id}: the container has no cgroup`);
    act(record.cgroup);
  });
}
