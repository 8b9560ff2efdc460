// Being told of out-of-memory kills in a cgroup, and of its end.

import { type FSWatcher, watch } from 'node:fs';
import { join } from 'node:path';
import { parseFlatKeyed, tryReadCgroupFile } from './cgroup-files.ts';
import { isPopulated } from './cgroup-processes.ts';

export interface CgroupWatcher {
  /** The kernel killed this many more processes because the memory limit was reached. */
  onOom?: (kills: number) => void;
  /** No process is left in the cgroup, or it is gone. Called once, as the last. */
  onEmpty?: () => void;
}

/**
 * Watches memory.events and cgroup.events, whose changes the kernel reports through inotify(7) (cgroup-v2.rst,
 * "cgroup.events"). Keeps Node's event loop alive until the cgroup is empty or the returned function is called.
 */
export function watchCgroup(directory: string, { onOom, onEmpty }: CgroupWatcher): () => void {
  const watchers: FSWatcher[] = [];
  let open = true;
  let kills = oomKills(directory);

  const close = () => {
    open = false;
    for (const watcher of watchers) watcher.close();
  };
  const look = () => {
    if (!open) return;
    const now = oomKills(directory);
    if (now > kills) onOom?.(now - kills);
    kills = Math.max(kills, now);
    if (isPopulated(directory)) return;
    close();
    onEmpty?.();
  };

  for (const file of ['memory.events', 'cgroup.events']) {
    try {
      watchers.push(watch(join(directory, file), look).on('error', look));
    } catch {
      // Without the memory controller there is no memory.events; a cgroup that is gone is seen by the look below.
    }
  }
  // What happened before the watches were there.
  setImmediate(look);
  return close;
}

/** memory.events counts those of child cgroups too. */
export function oomKills(directory: string): number {
  return Number(parseFlatKeyed(tryReadCgroupFile(directory, 'memory.events') ?? '').get('oom_kill') ?? 0);
}
