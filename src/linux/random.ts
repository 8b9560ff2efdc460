// Random names. Loading node:crypto would take longer than the rest of a command that needs one.

import { readFileSync } from 'node:fs';

/** An UUID of the kernel's, version 4 (random(4), proc(5)). */
export function randomUuid(): string {
  return readFileSync('/proc/sys/kernel/random/uuid', 'latin1').trim();
}
