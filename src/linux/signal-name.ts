import { constants } from 'node:os';

/** SIGKILL for 9; those without a name (signal(7)) are told by their number. */
export function signalName(signal: number): string {
  const named = Object.entries(constants.signals).find(([, number]) => number === signal);
  return named ? named[0] : `signal ${signal}`;
}
