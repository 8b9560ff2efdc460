// Bounded waiting for the kernel.

import { pause } from './sleep.ts';

const FIRST_PAUSE_MS = 0.25;
const LONGEST_PAUSE_MS = 10;

/**
 * Asks again, after pauses that grow from 0.25 to 10 ms, until `done` answers true or `timeoutMs` have passed; tells
 * which. The states waited for (frozen, no process left) take a cgroup well under a millisecond in the usual case,
 * where a poll(2) on cgroup.events would first cost the load of the foreign function interface.
 */
export function waitUntil(done: () => boolean, timeoutMs: number): boolean {
  const deadline = performance.now() + timeoutMs;
  for (let next = FIRST_PAUSE_MS; !done(); next = Math.min(next * 2, LONGEST_PAUSE_MS)) {
    if (performance.now() >= deadline) return false;
    pause(next);
  }
  return true;
}
