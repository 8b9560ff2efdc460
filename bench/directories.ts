// Where a benchmark works, and what runs of it that were killed have left.

import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeWorkDirectory, sweepWorkDirectories } from '../scripts/work-directories.ts';

export interface Directories {
  work: string;
  /** For what runtimes know of containers. Where an engine would have it: on a tmpfs. */
  states: string;
  /** Removes both, and the containers. */
  remove: () => void;
}

/** `clear` removes all containers that have their state in a directory. */
export function makeDirectories(name: string, clear: (states: string) => void): Directories {
  const [works, statesOf] = [join(tmpdir(), `tsoci-${name}-`), `/dev/shm/tsoci-${name}-`];
  const discard = (directory: string) => rmSync(directory, { recursive: true, force: true });
  const close = (states: string) => {
    clear(states);
    discard(states);
  };
  sweepWorkDirectories(statesOf, close);
  sweepWorkDirectories(works, discard);
  const [work, states] = [makeWorkDirectory(works), makeWorkDirectory(statesOf)];
  const remove = () => {
    close(states);
    discard(work);
  };
  return { work, states, remove };
}
