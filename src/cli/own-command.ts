// How tsoci is run again by others: as a hook of a container.

import { resolve } from 'node:path';

// Set by scripts/build.ts; undefined when tsoci runs unbuilt.
declare const TSOCI_VERSION: string | undefined;

/** The executable itself or, unbuilt, Node and the entry of the program. */
export function ownCommand(): readonly [string, ...string[]] {
  if (typeof TSOCI_VERSION === 'string') return [process.execPath];
  return [process.execPath, resolve(process.argv[1] ?? '')];
}
