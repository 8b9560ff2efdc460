// What a terminal can show.

import { isTerminal, windowColumns } from './termios.ts';

export interface Screen {
  columns: number;
  colour: boolean;
}

/** Of a terminal that does not say how wide it is, as that of a serial line. */
const USUAL = 80;

/** Undefined where a descriptor is no terminal: a pipe or a file gets whole lines, without colours. */
export function screenOf(fd: number, env: Readonly<Record<string, string | undefined>>): Screen | undefined {
  if (!isTerminal(fd)) return undefined;
  // NO_COLOR counts when it is set and not empty, whatever it says.
  const colour = !env.NO_COLOR && env.TERM !== 'dumb';
  return { columns: windowColumns(fd) || USUAL, colour };
}
