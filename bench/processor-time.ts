// Seconds of processor that processes have used, as proc_pid_stat(5) tells them.

import { readFileSync } from 'node:fs';

/** sysconf(_SC_CLK_TCK). */
const TICKS = 100;

/** Of these processes, their threads included. */
export function cpuOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + timeIn(pid, 14, 15), 0);
}

/** Of all that this process has waited for, and of what that has waited for. */
export function cpuOfAwaited(): number {
  return timeIn(process.pid, 16, 17);
}

/** The sum of fields, by their numbers in the manual page; 0 for a process that is gone. */
function timeIn(pid: number, ...fields: readonly number[]): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // Field 2, the name, may have blanks and parentheses in it.
    const after = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields.reduce((sum, field) => sum + Number(after[field - 3]), 0) / TICKS;
  } catch {
    return 0;
  }
}
