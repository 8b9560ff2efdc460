// process.scheduler (config.md#linux-process, sched_setattr(2), sched(7)).

import type { Scheduler } from '../config/generated/types.ts';
import { schedulerFlags } from '../config/generated/values.ts';
import { EBUSY, EPERM } from '../linux/errno.ts';
import { TsociError } from '../linux/errors.ts';
import { syscall } from '../linux/ffi.ts';
import { step } from '../linux/steps.ts';
import { SYS } from '../linux/syscalls.ts';
import type { Program } from '../stub/program.ts';
import { uint64 } from './uint64.ts';

/** linux/sched.h. SCHED_ISO is reserved, but no kernel has it. */
export const schedulerPolicies: Readonly<Record<string, number>> = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_ISO: 4,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
};

/** linux/sched/types.h: struct sched_attr with the two utilization clamps (SCHED_ATTR_SIZE_VER1). */
const SCHED_ATTR_SIZE = 56;
const NICE = { min: -20, max: 19 };

/** A checked struct sched_attr. */
export function schedAttr(config: Scheduler): Buffer {
  const { policy, nice = 0, priority = 0, flags = [], runtime = 0, deadline = 0, period = 0 } = config;
  const doing = `set scheduler ${policy}`;
  const number = schedulerPolicies[policy];
  if (number === undefined) throw new TsociError(`${doing}: unknown policy`);
  if (policy === 'SCHED_ISO') throw new TsociError(`${doing}: Linux does not implement this policy`);
  if (nice < NICE.min || nice > NICE.max)
    throw new TsociError(`${doing}: nice ${nice} is not between ${NICE.min} and ${NICE.max}`);
  if (priority !== 0 && policy !== 'SCHED_FIFO' && policy !== 'SCHED_RR')
    throw new TsociError(`${doing}: priority is of SCHED_FIFO and SCHED_RR only`);
  if ((runtime || deadline || period) && policy !== 'SCHED_DEADLINE')
    throw new TsociError(`${doing}: runtime, deadline and period are of SCHED_DEADLINE only`);
  let bits = 0;
  for (const flag of flags) {
    const bit = schedulerFlags.indexOf(flag);
    if (bit < 0) throw new TsociError(`${doing}: unknown flag ${flag}`);
    bits |= 1 << bit;
  }
  const attr = Buffer.alloc(SCHED_ATTR_SIZE);
  attr.writeUInt32LE(SCHED_ATTR_SIZE, 0);
  attr.writeUInt32LE(number, 4);
  attr.writeBigUInt64LE(BigInt(bits), 8);
  attr.writeInt32LE(nice, 16);
  attr.writeInt32LE(priority, 20);
  attr.writeBigUInt64LE(uint64(runtime, `${policy} runtime`), 24);
  attr.writeBigUInt64LE(uint64(deadline, `${policy} deadline`), 32);
  attr.writeBigUInt64LE(uint64(period, `${policy} period`), 40);
  // sched_util_min and sched_util_max stay 0: the specification has the clamps' flags, but no values for them.
  return attr;
}

/** What is better than ordinary takes CAP_SYS_NICE in the initial user namespace: before setCredentials. */
export function setScheduler(program: Program, config: Scheduler | undefined): void {
  if (!config) return;
  program.call('sched_setattr', [0, schedAttr(config), 0], `set scheduler ${config.policy}`);
}

/** The same of another process: for one in a user namespace, which has no such right itself. */
export function setSchedulerOf(pid: number, config: Scheduler | undefined): void {
  if (!config) return;
  step(`set scheduler ${config.policy} of process ${pid}`);
  const result = syscall(SYS.sched_setattr, pid, schedAttr(config), 0);
  if (result >= 0) return;
  throw TsociError.fromErrno(`set scheduler ${config.policy}`, -result, hint(config, -result));
}

/** sched(7), sched_setattr(2). */
function hint({ policy }: Scheduler, errno: number): string | undefined {
  if (errno === EBUSY) return 'deadlines of other processes leave less time than that';
  if (errno !== EPERM) return undefined;
  return policy === 'SCHED_DEADLINE'
    ? 'it takes CAP_SYS_NICE on the host, and no CPU may be kept from the process'
    : 'better than ordinary takes CAP_SYS_NICE on the host';
}
