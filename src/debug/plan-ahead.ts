// What comes behind the program at hand, by the plan of the container (src/plan): the programs that follow are made only when
// their turn comes.

import type { Line } from '../trace/lines.ts';
import type { Operation } from './protocol.ts';

/** Plans a container: takes its lines. What it cannot plan it throws. */
export type Planner = (write: (lines: readonly Line[]) => void) => Promise<void>;

export class PlanAhead {
  readonly #planner: Planner | undefined;
  #lines: readonly Line[] = [];
  #current = false;

  constructor(planner: Planner | undefined) {
    this.#planner = planner;
  }

  /** The config has changed. */
  forget(): void {
    this.#current = false;
  }

  /** Up to `count` lines behind an operation; behind nothing, the first. None where there is no plan. */
  async behind(at: Operation | undefined, count: number): Promise<readonly Line[]> {
    if (count <= 0) return [];
    await this.prepare();
    return linesBehind(this.#lines, at, count);
  }

  /** Plans it, best before anything is made: a cgroup that is in use, say, could not be planned for. */
  async prepare(): Promise<void> {
    if (!this.#planner || this.#current) return;
    const lines: Line[] = [];
    try {
      await this.#planner((more) => lines.push(...more));
    } catch {
      // Up to there it is known. The command that is debugged tells what is wrong.
    }
    this.#current = true;
    if (lines.length > 0) this.#lines = lines;
  }
}

/**
 * The lines of a plan that follow those of the property of an operation: a run is not the plan call by call, but it applies
 * properties in the same order. Behind an operation that no property wants nothing is known.
 */
export function linesBehind(
  lines: readonly Line[],
  at: Operation | undefined,
  count: number,
): readonly Line[] {
  if (!at) return lines.slice(0, count);
  const { property, role } = at;
  const isOf = (line: Line | undefined) => line?.property === property && line?.who === `${role}:`;
  const first = property === undefined ? -1 : lines.findIndex(isOf);
  if (first < 0) return [];
  let next = first;
  while (isOf(lines[next])) next++;
  return lines.slice(next, next + count);
}
