// --preserve-fds: descriptors that the container keeps, behind its standard streams.

import { O_CLOEXEC } from '../linux/constants.ts';
import type { Program } from './program.ts';

/** How many standard streams there are, and the number of the first descriptor that is none. */
export const STDIO = 3;

/**
 * Brings the preserved descriptors down to 3, 4, … and the two control descriptors behind them. `free` is the
 * first free number.
 */
export function movePreserved(program: Program, count: number, free: number): void {
  const control = STDIO;
  const child = STDIO + 1;
  program.duplicate(control, free);
  program.duplicate(child, free + 1);
  program.setControl(free);
  for (let i = 0; i < count; i++) program.duplicate(STDIO + 2 + i, STDIO + i, 0);
  program.duplicate(free, control + count, O_CLOEXEC);
  program.duplicate(free + 1, child + count, O_CLOEXEC);
  program.setControl(control + count);
  program.close(free);
  program.close(free + 1);
}
