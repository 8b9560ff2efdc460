// Names of system calls by their numbers, for what shows them.

import { SYS, type SyscallName } from './syscalls.ts';

const names = new Map(Object.entries(SYS).map(([name, number]) => [number, name as SyscallName]));

/** Undefined for a call that tsoci does not make. */
export function syscallName(number: number): SyscallName | undefined {
  return names.get(number);
}
