// process.ioPriority (config.md#linux-process, ioprio_set(2)).

import type { IOPriority } from '../config/generated/types.ts';
import { ioPriorityClasses } from '../config/generated/values.ts';
import { IOPRIO_CLASS_SHIFT, IOPRIO_WHO_PROCESS } from '../linux/constants.ts';
import { EPERM } from '../linux/errno.ts';
import { TsociError } from '../linux/errors.ts';
import { syscall } from '../linux/ffi.ts';
import { step } from '../linux/steps.ts';
import { SYS } from '../linux/syscalls.ts';
import type { Program } from '../stub/program.ts';

const LOWEST_PRIORITY = 7;

/**
 * Sets it for the one process of the program; all that it forks inherits it. IOPRIO_WHO_PGRP would reach the
 * engine where the container has not made a session of its own. The realtime class takes CAP_SYS_NICE in the initial
 * user namespace: before setCredentials.
 */
export function setIoPriority(program: Program, config: IOPriority | undefined): void {
  if (!config) return;
  program.call('ioprio_set', [IOPRIO_WHO_PROCESS, 0, ioPriority(config)], describe(config));
}

/** The same of another process: for one in a user namespace, which has no such right itself. */
export function setIoPriorityOf(pid: number, config: IOPriority | undefined): void {
  if (!config) return;
  step(`${describe(config)} of process ${pid}`);
  const result = syscall(SYS.ioprio_set, IOPRIO_WHO_PROCESS, pid, ioPriority(config));
  if (result >= 0) return;
  const hint = -result === EPERM ? 'the realtime class takes CAP_SYS_NICE on the host' : undefined;
  throw TsociError.fromErrno(describe(config), -result, hint);
}

function ioPriority(config: IOPriority): number {
  const number = ioPriorityClasses.indexOf(config.class) + 1;
  if (number === 0) throw new TsociError(`${describe(config)}: unknown class`);
  if (!(config.priority >= 0 && config.priority <= LOWEST_PRIORITY))
    throw new TsociError(`${describe(config)}: the priority is not between 0 and ${LOWEST_PRIORITY}`);
  return (number << IOPRIO_CLASS_SHIFT) | config.priority;
}

function describe(config: IOPriority): string {
  return `set I/O priority ${config.class} ${config.priority}`;
}
