// events: what a container uses, and when it ran out of memory.

import { existsSync } from 'node:fs';
import { statsEvent } from '../cgroups/stats/stats.ts';
import { watchCgroup } from '../cgroups/watch.ts';
import type { Caller } from '../launcher/caller.ts';
import { TsociError } from '../linux/errors.ts';
import { unlessStopped } from './state/stopped-meanwhile.ts';
import { containerDirectory, currentStatus, readRecord } from './state/store.ts';

export interface EventsOptions {
  root: string;
  id: string;
  /** Whether to tell the present use once, and end. */
  once: boolean;
  /** Milliseconds between two events of type stats. */
  interval: number;
}

/** How often it is looked whether somebody still wants events, in milliseconds. */
const LOOK = 1000;

/** Hands out events in runc's form until the container stops, or the caller is gone. */
export async function containerEvents(
  { launcher }: Caller,
  { root, id, once, interval }: EventsOptions,
  print: (event: unknown) => void,
): Promise<void> {
  const record = readRecord(root, id);
  const status = currentStatus(containerDirectory(root, id), record);
  if (status === 'stopped' || status === 'creating')
    throw new TsociError(`events ${id}: the container is ${status}`);
  const { cgroup } = record;
  if (!cgroup) throw new TsociError(`events ${id}: the container has no cgroup`);
  if (once) {
    const { init } = record;
    const use = () => statsEvent(id, cgroup);
    return print(init ? unlessStopped(`events ${id}`, init, use) : use());
  }
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const tell = (event: () => unknown) => {
    try {
      print(event());
    } catch (error) {
      // A cgroup that is gone has been emptied and deleted meanwhile.
      if (existsSync(cgroup)) reject(error);
      else resolve();
    }
  };
  const timer = setInterval(() => tell(() => statsEvent(id, cgroup)), interval);
  const alive = setInterval(() => {
    if (!launcher.alive) resolve();
  }, LOOK);
  const close = watchCgroup(cgroup, { onOom: () => tell(() => ({ type: 'oom', id })), onEmpty: resolve });
  try {
    await promise;
  } finally {
    clearInterval(timer);
    clearInterval(alive);
    close();
  }
}
