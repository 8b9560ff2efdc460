// Paths on the command line.

import { resolve } from 'node:path';
import type { Caller } from '../launcher/caller.ts';
import { UsageError } from './options.ts';

/** An option's path made absolute from the caller's directory; undefined when the option was not given. */
export function callerPath(option: string, path: string | undefined, caller: Caller): string | undefined {
  if (path === undefined) return undefined;
  if (path === '') throw new UsageError(`option --${option} needs a path`);
  return callersPath(path, caller);
}

/** Links that lead to something of the process that follows them (proc_self(5)), and where they lead in another's stead. */
const ownLinks: readonly (readonly [link: RegExp, target: string])[] = [
  [/^\/dev\/stdin$/, 'fd/0'],
  [/^\/dev\/stdout$/, 'fd/1'],
  [/^\/dev\/stderr$/, 'fd/2'],
  [/^\/dev\/fd(?=\/|$)/, 'fd'],
  [/^\/proc\/self(?=\/|$)/, ''],
  [/^\/proc\/thread-self(?=\/|$)/, ''],
];

/** A path that the caller gave, as it leads where the caller meant. */
export function callersPath(path: string, caller: Pick<Caller, 'cwd' | 'pid'>): string {
  // The directory is not looked at without need: it may be gone.
  const absolute = path.startsWith('/') ? resolve(path) : resolve(caller.cwd, path);
  for (const [link, target] of ownLinks)
    if (link.test(absolute)) return absolute.replace(link, resolve(`/proc/${caller.pid}`, target));
  return absolute;
}
