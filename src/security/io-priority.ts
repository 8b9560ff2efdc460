// process.ioPriority (config.md#linux-process, ioprio_set(2)).

import type { IOPriority } from '../config/generated/types.ts';
import { ioPriorityClasses } from '../config/generated/values.ts';
import { IOPRIO_CLASS_SHIFT, IOPRIO_WHO_PROCESS } from '../linux/constants.ts';
import { TsociError } from '../linux/errors.ts';
import type { Program } from '../stub/program.ts';

const LOWEST_PRIORITY = 7;

/**
 * Sets it for the one process of the program; all that it forks inherits it. IOPRIO_WHO_PGRP would reach the
 * engine where the container has not made a session of its own.
 */
export function setIoPriority(program: Program, config: IOPriority | undefined): void {
  if (!config) return;
  const doing = `set I/O priority ${config.class} ${config.priority}`;
  const number = ioPriorityClasses.indexOf(config.class) + 1;
  if (number === 0) throw new TsociError(`${doing}: unknown class`);
  if (!(config.priority >= 0 && config.priority <= LOWEST_PRIORITY))
    throw new TsociError(`${doing}: the priority is not between 0 and ${LOWEST_PRIORITY}`);
  const value = (number << IOPRIO_CLASS_SHIFT) | config.priority;
  program.call('ioprio_set', [IOPRIO_WHO_PROCESS, 0, value], doing);
}
