// config.md#linux-process: scheduler and execCPUAffinity, as sched_setattr(2) and sched_setaffinity(2) take them.

import { error, type Finding } from '../finding.ts';
import type { Process } from '../generated/types.ts';
import { isIdList, quote } from './values.ts';

const section = 'config.md#linux-process';
/** sched(7) */
const NICE = { min: -20, max: 19 };
const REALTIME_PRIORITY = { min: 1, max: 99 };
/** sched_setattr(2): times of SCHED_DEADLINE. */
const DEADLINE_TIME = { min: 1024, max: 2n ** 63n - 1n };

export function scheduler({ scheduler }: Process): Finding[] {
  if (!scheduler) return [];
  const { policy, nice = 0, priority = 0 } = scheduler;
  const findings: Finding[] = [];
  const wrong = (name: string, problem: string, expected: string) =>
    findings.push(error(`/scheduler/${name}`, problem, expected, section));
  if (policy === 'SCHED_ISO')
    wrong('policy', 'is SCHED_ISO, which Linux does not implement', 'another policy');
  if (nice < NICE.min || nice > NICE.max) wrong('nice', `is ${nice}`, `${NICE.min} to ${NICE.max}`);
  if (policy === 'SCHED_FIFO' || policy === 'SCHED_RR') {
    const { min, max } = REALTIME_PRIORITY;
    if (priority < min || priority > max)
      wrong('priority', `is ${priority}`, `${min} to ${max} for ${policy}`);
  } else if (priority !== 0) wrong('priority', `is ${priority}`, `0 or none for ${policy}`);
  return [...findings, ...deadline(scheduler)];
}

function deadline(scheduler: NonNullable<Process['scheduler']>): Finding[] {
  const { policy, runtime = 0, deadline = 0, period = 0 } = scheduler;
  const times = Object.entries({ runtime, deadline, period });
  if (policy !== 'SCHED_DEADLINE') {
    return times
      .filter(([, value]) => value !== 0)
      .map(([name]) =>
        error(`/scheduler/${name}`, `is set with ${policy}`, 'SCHED_DEADLINE, or none', section),
      );
  }
  const { min, max } = DEADLINE_TIME;
  const range = times
    .filter(([name, value]) => value > max || (name !== 'period' && value < min))
    .map(([name, value]) => error(`/scheduler/${name}`, `is ${value}`, `${min} to 2^63-1 ns`, section));
  if (range.length > 0) return range;
  if (runtime <= deadline && (period === 0 || deadline <= period)) return [];
  const problem = `are out of order: ${runtime}, ${deadline}, ${period}`;
  return [error('/scheduler', `has times that ${problem}`, 'runtime ≤ deadline ≤ period', section)];
}

export function execCPUAffinity({ execCPUAffinity = {} }: Process): Finding[] {
  return (['initial', 'final'] as const).flatMap((name) => {
    const list = execCPUAffinity[name];
    if (!list || isIdList(list)) return [];
    return [error(`/execCPUAffinity/${name}`, `is ${quote(list)}`, 'a list such as 0-3,7', section)];
  });
}
