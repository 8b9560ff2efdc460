// Bounded waiting for the kernel.

import { pause } from './sleep.ts';
import { checkWanted } from './wanted.ts';

const FIRST_PAUSE_MS = 0.25;
const LONGEST_PAUSE_MS = 10;

/**
 * Asks until `done` answers true or `timeoutMs` have passed, with pauses that grow from 0.25 to 10 ms; whether it was true.
 * Throws CallerGone when the caller is killed meanwhile. What is waited for, such as a cgroup that is frozen or empty, usually takes well under a millisecond.
 */
export function waitUntil(done: () => boolean, timeoutMs: number): boolean {
  const deadline = performance.now() + timeoutMs;
  for (let next = FIRST_PAUSE_MS; !done(); next = Math.min(next * 2, LONGEST_PAUSE_MS)) {
    if (performance.now() >= deadline) return false;
    checkWanted();
    pause(next);
  }
  return true;
}
