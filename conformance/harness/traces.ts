// Removal of everything that a check, or a runtime with a fault, may have left on the host.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cgroupProcesses, cgroupsNamed, removeCgroup } from './cgroup.ts';
import type { Container } from './container.ts';
import { hostMounts, isAlive, until } from './proc.ts';

/**
 * Returns what was there although the runtime had been asked to delete the containers. `name` begins the ID and the
 * cgroup of each of the check's containers; `ownCgroups` were made by the check itself.
 */
export async function removeTraces(
  directory: string,
  name: string,
  containers: readonly Container[],
  ownCgroups: readonly string[],
): Promise<string[]> {
  const left: string[] = [];
  /** What the runtime said, of interest only if it left something. */
  const complaints: string[] = [];
  for (const container of containers) {
    const { knownPid } = container;
    // A runtime that is broken on purpose is not asked to break its clean-up too.
    const result = await container
      .exec(['delete', '--force', container.id], { env: { BROKEN: '' } })
      .catch(() => undefined);
    if (result !== undefined && result.code !== 0) complaints.push(result.stderr.trim());
    if (knownPid !== undefined && isAlive(knownPid)) {
      left.push(`process ${knownPid}`);
      await killAll([knownPid]);
    }
  }
  const names = new Set(containers.flatMap((container) => [container.id, container.bundle.id]));
  for (const cgroup of [...names].filter((id) => id.startsWith(name)).flatMap(cgroupsNamed)) {
    if (!ownCgroups.includes(cgroup)) left.push(`cgroup ${cgroup}`);
    await killAll(cgroupProcesses(cgroup));
    removeCgroup(cgroup);
  }
  for (const { point } of hostMounts().reverse()) {
    if (!point.startsWith(`${directory}/`)) continue;
    left.push(`mount ${point}`);
    spawnSync('umount', ['-l', point], { timeout: 5000 });
  }
  return left.length > 0 ? [...left, ...complaints] : [];
}

async function killAll(pids: number[]): Promise<void> {
  for (const pid of pids) {
    if (existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL');
  }
  await until(() => !pids.some(isAlive), 'the end of processes left behind').catch(() => {});
}
