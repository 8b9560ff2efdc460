// Processes that a command is asked about: a container by its id, or any process by its pid.

import { TsociError } from '../linux/errors.ts';

export interface Target {
  readonly name: string;
  readonly pid: number;
}

/** Containers by their ids; numbers that are no container's id are pids. */
export async function findTargets(root: string, names: readonly string[]): Promise<Target[]> {
  const { containerState, listContainers } = await import('../container/state/oci-state.ts');
  const ids = new Set(listContainers(root).map(({ id }) => id));
  return names.map((name) => {
    if (!ids.has(name) && /^\d+$/.test(name)) return { name, pid: Number(name) };
    const { pid, status } = containerState(root, name);
    if (pid === 0) throw new TsociError(`container ${name} is ${status}: it has no process`);
    return { name, pid };
  });
}
