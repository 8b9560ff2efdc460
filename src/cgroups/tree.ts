// The cgroups below one. A container that manages its own may nest them deeper than a path may be long, and as deep as it
// likes: so by descriptor, and without recursion.

import { closeSync, constants, openSync } from 'node:fs';
import { childCgroups } from './cgroup-files.ts';

/** Calls `visit` for each, children first, with a path that is good until it returns. What vanishes meanwhile is left out. */
export function eachBelow(directory: string, visit: (path: string) => void): void {
  let at = tryOpen(directory);
  if (at === undefined) return;
  const names: string[] = [];
  const left = [childCgroups(pathOf(at))];
  try {
    for (;;) {
      const child = left.at(-1)?.pop();
      const name = child === undefined ? names.pop() : undefined;
      if (child === undefined && name === undefined) return;
      const next = tryOpen(`${pathOf(at)}/${child ?? '..'}`);
      if (next === undefined && child !== undefined) continue;
      // The way back is gone with the cgroup that we were in.
      if (next === undefined) return;
      closeSync(at);
      at = next;
      if (child !== undefined) {
        names.push(child);
        left.push(childCgroups(pathOf(at)));
      } else {
        left.pop();
        visit(`${pathOf(at)}/${name}`);
      }
    }
  } finally {
    closeSync(at);
  }
}

function pathOf(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

function tryOpen(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch {
    return undefined;
  }
}
