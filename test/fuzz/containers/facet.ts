// A property of config.json that a trial has or has not.

import type { Config, Process } from '../../../src/config/generated/types.ts';
import type { Random } from './random.ts';
import type { Seen } from './seen.ts';

export type Drawn = Config &
  Required<Pick<Config, 'linux' | 'root' | 'mounts'>> & {
    process: Process & Required<Pick<Process, 'user'>>;
  };

/** Throws when the process is not as the config says. */
export type Expectation = (seen: Seen) => void;

export interface Facet {
  name: string;
  /** Changes the config; what is to be seen then. It goes by its own numbers, whichever others there are. */
  draw: (random: Random, config: Drawn) => Expectation;
}

/** Whether the container has a new user namespace. */
export function hasUsers({ linux }: Drawn): boolean {
  return linux.namespaces?.some(({ type }) => type === 'user') ?? false;
}

/** The id on the host that an id of the container is. */
export function onHost(id: number, mappings: Drawn['linux']['uidMappings'], config: Drawn): number {
  if (!hasUsers(config)) return id;
  const found = mappings?.find(({ containerID, size }) => id >= containerID && id < containerID + size);
  if (!found) throw new Error(`${id} is mapped to nothing`);
  return found.hostID + id - found.containerID;
}
