// How tsoci is run again by others: as a hook of a container.

import { resolve } from 'node:path';
import { builtVersion } from '../linux/build.ts';

/** The executable itself or, unbuilt, Node and the entry of the program. */
export function ownCommand(): readonly [string, ...string[]] {
  if (builtVersion) return [process.execPath];
  return [process.execPath, resolve(process.argv[1] ?? '')];
}
