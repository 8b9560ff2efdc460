// Signals by number or name (signal(7)).

import { constants } from 'node:os';
import { nearest } from '../config/nearest.ts';
import { UsageError } from './options.ts';

/** asm-generic/signal.h, as the C library sees it: it keeps 32 and 33 for itself. */
const SIGRTMIN = 34;
const SIGRTMAX = 64;

const names: Readonly<Record<string, number>> = constants.signals;

/**
 * The number of a signal given as `9`, `KILL`, `SIGKILL` or `RTMIN+1`, in either case. 0 only asks whether the process is
 * there (kill(2)).
 */
export function signalNumber(text: string): number {
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    if (number > SIGRTMAX) throw new UsageError(`signal ${text} is not between 0 and ${SIGRTMAX}`);
    return number;
  }
  const name = text.toUpperCase().replace(/^SIG/, '');
  const number = names[`SIG${name}`] ?? realTime(name);
  if (number === undefined) {
    const match = nearest(
      name,
      Object.keys(names).map((known) => known.slice(3)),
    );
    throw new UsageError(`unknown signal ${text}${match ? `; did you mean ${match}?` : ''}`);
  }
  return number;
}

function realTime(name: string): number | undefined {
  const match = /^RT(MIN|MAX)(?:([+-])(\d+))?$/.exec(name);
  if (!match) return undefined;
  const [, end, sign, digits] = match;
  const offset = Number(digits ?? 0) * (sign === '-' ? -1 : 1);
  const number = (end === 'MIN' ? SIGRTMIN : SIGRTMAX) + offset;
  return number >= SIGRTMIN && number <= SIGRTMAX ? number : undefined;
}
