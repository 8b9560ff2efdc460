// Paths on the command line.

import { resolve } from 'node:path';
import type { Caller } from '../linux/caller.ts';
import { UsageError } from './options.ts';

/** An option's path made absolute from the caller's directory; undefined when the option was not given. */
export function callerPath(option: string, path: string | undefined, caller: Caller): string | undefined {
  if (path === undefined) return undefined;
  if (path === '') throw new UsageError(`option --${option} needs a path`);
  return path.startsWith('/') ? resolve(path) : resolve(caller.cwd, path);
}
