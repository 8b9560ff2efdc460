// Which cgroups a measured command sees.
//
// crun has no hybrid hierarchy, so on a host with one, a second look is taken with nothing but cgroup v2: a private
// mount namespace with the unified hierarchy bound over /sys/fs/cgroup. What it lacks there is the controllers that
// the host has given to v1, and so the configurations for it ask for no resources.

import { readFileSync } from 'node:fs';

export interface View {
  name: string;
  title: string;
  /** Whether configurations may ask for resources. */
  resources: boolean;
  /** The words to put before a command. */
  prefix: string[];
}

export function views(): View[] {
  const host = { name: 'host', title: 'The host as it is', resources: true, prefix: [] };
  const unified = unifiedMount();
  if (unified === undefined || unified === '/sys/fs/cgroup') return [host];
  return [
    host,
    {
      name: 'v2',
      title: 'Only cgroup v2 in view, and no linux.resources',
      resources: false,
      prefix: ['unshare', '--mount', 'sh', '-c', `mount --bind ${unified} /sys/fs/cgroup && exec "$@"`, 'sh'],
    },
  ];
}

/** proc_pid_mountinfo(5): the mount point is field 5; the type is the first after the lone hyphen. */
function unifiedMount(): string | undefined {
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    if (line.includes(' - cgroup2 ')) return line.split(' ')[4];
  }
  return undefined;
}
