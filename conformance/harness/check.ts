// A check: one requirement of the specification, and the code that tells whether a runtime meets it.

import type { Mutation } from '../broken/mutation.ts';
import type { Host } from './host.ts';
import type { Trial } from './trial.ts';

export type Document = 'bundle' | 'runtime' | 'runtime-linux' | 'config' | 'config-linux';
export type Section = `${Document}.md#${string}`;

export interface Check {
  /** Unique: `masked-paths-file`. */
  id: string;
  section: Section;
  level: 'MUST' | 'SHOULD' | 'MAY';
  /** In our own words, as a sentence about a runtime that is right. */
  requirement: string;
  /** Ordinals of the section's MUST statements that this check covers; see inventory/. */
  musts?: readonly number[];
  /** The same for other sections: `runtime.md#create/6`. */
  also?: readonly `${Section}/${number}`[];
  /** Why this host cannot tell; undefined if it can. */
  unless?: (host: Host) => string | undefined;
  /** A fault that this check must find; broken/verify.ts sees to it. */
  broken: Mutation;
  /** Throws `Failure` for a runtime that is wrong, `Skip` for a host that cannot tell. */
  run(trial: Trial): Promise<void>;
}
