// Namespaces apart from the host's, for containers to join and for runtimes to run in.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { NamespaceType } from './config.ts';
import { Skip } from './expect.ts';
import { namespaceFile } from './proc.ts';
import { busyboxCommand } from './rootfs.ts';
import type { Trial } from './trial.ts';

export interface Holder {
  /** A process in the namespaces; they last as long as the check does. */
  pid: number;
  /** Executes a command in them: the `prefix` of a runtime. */
  prefix: string[];
}

/** The user and the group of the host that are root in a user namespace made here. */
const FIRST_ID = 100_000;

/** Of unshare(1) and nsenter(1). */
export const UNSHARE_FLAGS: Readonly<Record<NamespaceType, string>> = {
  network: '--net',
  mount: '--mount',
  ipc: '--ipc',
  uts: '--uts',
  user: '--user',
  pid: '--pid',
  cgroup: '--cgroup',
  time: '--time',
};

/**
 * Starts a process in new namespaces of these types, after a shell script has prepared them. For pid and time
 * namespaces it is a child of the process that made them, since those only take effect for children. `more` are
 * further flags of unshare(1).
 */
export async function holdNamespaces(
  trial: Trial,
  types: readonly NamespaceType[],
  prepare = ':',
  more: readonly string[] = [],
): Promise<Holder> {
  const fork = types.some((type) => type === 'pid' || type === 'time') ? ['--fork', '--kill-child'] : [];
  const flags = types.map((type) => UNSHARE_FLAGS[type]);
  const sleep = busyboxCommand(trial.directory, 'sleep', '120').join(' ');
  // The ID on the host: in a pid namespace of its own, $$ would be 1.
  const script = `set -e; ${prepare}\nread -r pid rest </proc/self/stat; echo "$pid"; exec ${sleep}`;
  const child = spawn('unshare', [...flags, ...fork, ...more, '/bin/sh', '-c', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 120_000,
    killSignal: 'SIGKILL',
  });
  const ended = once(child, 'exit');
  trial.defer(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const ready = once(child.stdout, 'data').then(([data]) => Number(String(data).trim()));
  const failed = ended.then(async () => {
    throw new Skip(`unshare ${flags.join(' ')}: ${String(child.stderr.read() ?? '').trim()}`);
  });
  const pid = await Promise.race([ready, failed]);
  if (types.includes('user')) {
    // Not by unshare(1), which can map one user only, and then forbids setgroups(2).
    for (const kind of ['uid', 'gid']) writeFileSync(`/proc/${pid}/${kind}_map`, `0 ${FIRST_ID} 65536`);
  }
  const files = types.map((type) => `${UNSHARE_FLAGS[type]}=${namespaceFile(pid, type)}`);
  return { pid, prefix: ['nsenter', ...files, '--'] };
}
