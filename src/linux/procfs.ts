// What /proc tells of a process (proc_pid_stat(5)).

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { SIGKILL, USER_NS_INIT_INO } from './constants.ts';
import { TsociError } from './errors.ts';

export interface ProcessStat {
  /** The first 15 bytes of the executable's name, or what the process calls itself. */
  comm: string;
  /** R, S, D, T, t, I; Z and X for one that has ended. */
  state: string;
  parent: number;
  /** PF_… of linux/sched.h. */
  flags: number;
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
  // Fields 3, 4, 9 and 22 of the man page's list.
  const [state = 'X', parent, , , , , flags] = fields;
  return { comm, state, parent: Number(parent), flags: Number(flags), startTime: Number(fields[19]) };
}

/** The text of proc_pid_status(5). */
export function processStatus(pid: number | 'self'): string {
  const file = `/proc/${pid}/status`;
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    throw TsociError.from(`read ${file}`, error);
  }
}

/** What a line of processStatus says. Undefined where the kernel has no such line. */
export function fieldOf(status: string, name: string): string | undefined {
  const begin = status.indexOf(`\n${name}:\t`);
  if (begin < 0) return undefined;
  const value = begin + name.length + 3;
  return status.slice(value, status.indexOf('\n', value));
}

/** The process that has this pid now. */
export function identify(pid: number): ProcessIdentity {
  return { pid, startTime: processStat(pid)?.startTime ?? 0 };
}

/** The pid of a process in the innermost pid namespace that it is in (NSpid of proc_pid_status(5)); undefined if it has ended. */
export function pidInside(pid: number): number | undefined {
  try {
    const inside = fieldOf(processStatus(pid), 'NSpid')?.split('\t').at(-1);
    return inside === undefined ? undefined : Number(inside);
  } catch {
    return undefined;
  }
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

/** linux/sched.h: the process is giving back what it has, its namespaces among it. */
const PF_EXITING = 0x4;

/** Whether the process that was started at `startTime` lives and goes on living: it is not on its way out. */
export function livesOn(pid: number, startTime: number): boolean {
  const stat = processStat(pid);
  if (stat === undefined || stat.startTime !== startTime || hasEnded(stat)) return false;
  return (stat.flags & PF_EXITING) === 0 && !isBeingKilled(pid);
}

/** Whether a SIGKILL is on its way: SigPnd and ShdPnd of proc_pid_status(5). */
function isBeingKilled(pid: number): boolean {
  try {
    return isInSignalSet(pid, SIGKILL, /^(?:Sig|Shd)Pnd:\s*(\w+)/gm);
  } catch {
    return true;
  }
}

/** Whether a process neither catches nor ignores nor blocks a signal; one that is gone has no default. */
export function isDefault(pid: number, signal: number): boolean {
  try {
    return !isInSignalSet(pid, signal, /^Sig(?:Cgt|Ign|Blk):\s*(\w+)/gm);
  } catch {
    return false;
  }
}

/** Whether a signal is in a set of proc_pid_status(5) whose line matches: bit 0 is signal 1. */
function isInSignalSet(pid: number, signal: number, lines: RegExp): boolean {
  const sets = processStatus(pid).matchAll(lines);
  return [...sets].some(([, set]) => (BigInt(`0x${set}`) >> BigInt(signal - 1)) & 1n);
}

/** linux/sched.h: nothing has been executed since the process was forked. */
const PF_FORKNOEXEC = 0x40;

/**
 * Whether a process goes on, or has ended, without having executed anything since it was forked: execve(2) tells before it
 * closes descriptors. Of a process that has been reaped nothing can be told: then it is false.
 */
export function hasExecutedNothing({ pid, startTime }: Partial<ProcessIdentity> & { pid: number }): boolean {
  const stat = processStat(pid);
  if (stat === undefined || (startTime !== undefined && stat.startTime !== startTime)) return false;
  return (stat.flags & PF_FORKNOEXEC) !== 0;
}

export function hasEnded({ state }: ProcessStat): boolean {
  return state === 'Z' || state === 'X';
}

/**
 * Whether the caller is in a user namespace of somebody's making. The initial one has an inode of its own (linux/nsfs.h).
 * Its uid_map does not tell: systemd's PrivateUsers=full maps the whole range to itself too.
 */
export function inUserNamespace(): boolean {
  const file = '/proc/self/ns/user';
  try {
    return statSync(file).ino !== USER_NS_INIT_INO;
  } catch (error) {
    throw TsociError.from(`stat ${file}`, error, 'is /proc mounted?');
  }
}
