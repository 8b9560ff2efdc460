// What /proc tells of a process (proc_pid_stat(5)).

import { readdirSync, readFileSync } from 'node:fs';
import { TsociError } from './errors.ts';

export interface ProcessStat {
  /** The first 15 bytes of the executable's name, or what the process calls itself. */
  comm: string;
  /** R, S, D, T, t, I; Z and X for one that has ended. */
  state: string;
  parent: number;
  /** Clock ticks since boot. */
  startTime: number;
}

/** A process as it can be recognised later: pids are used again, pids with their start time are not. */
export type ProcessIdentity = Pick<ProcessStat, 'startTime'> & { pid: number };

/** Undefined when there is no such process. */
export function processStat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // comm may contain anything, also parentheses: it ends at the last one.
  const end = text.lastIndexOf(')');
  const comm = text.slice(text.indexOf('(') + 1, end);
  const fields = text.slice(end + 2).split(' ');
  // Fields 3, 4 and 22 of the man page's list.
  return { comm, state: fields[0] ?? 'X', parent: Number(fields[1]), startTime: Number(fields[19]) };
}

/** The process that has this pid now. */
export function identify(pid: number): ProcessIdentity {
  return { pid, startTime: processStat(pid)?.startTime ?? 0 };
}

/** All processes of our pid namespace, in no order. */
export function allPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Whether the process that was started at `startTime` is there and has not ended. */
export function isAlive(pid: number, startTime: number): boolean {
  const stat = processStat(pid);
  return stat !== undefined && stat.startTime === startTime && !hasEnded(stat);
}

export function hasEnded({ state }: ProcessStat): boolean {
  return state === 'Z' || state === 'X';
}

/** Whether ids are mapped at all (user_namespaces(7)): the initial namespace maps the whole range to itself. */
export function inUserNamespace(): boolean {
  const file = '/proc/self/uid_map';
  try {
    return !/^\s*0\s+0\s+4294967295\s*$/.test(readFileSync(file, 'utf8'));
  } catch (error) {
    throw TsociError.from(`read ${file}`, error, 'is /proc mounted?');
  }
}
