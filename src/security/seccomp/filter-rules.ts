// linux.seccomp decided: the rules for libseccomp, in order (config-linux.md#seccomp). Pure: no library, no kernel.

import type { Seccomp, Syscall, SyscallArg } from '../../config/generated/types.ts';
import {
  SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
} from '../../linux/constants.ts';
import { TsociError } from '../../linux/errors.ts';
import { uint64 } from '../uint64.ts';
import { actionValue, filterFlags, operators } from './names.ts';

/** struct scmp_arg_cmp (seccomp_rule_add(3)). */
export interface Condition {
  readonly index: number;
  readonly operator: number;
  /** What to compare with; of SCMP_CMP_MASKED_EQ the mask. */
  readonly a: bigint;
  /** Of SCMP_CMP_MASKED_EQ what the masked argument must be. */
  readonly b: bigint;
}

/** An action for a system call when all conditions hold. */
export interface Rule {
  readonly name: string;
  readonly action: number;
  readonly conditions: readonly Condition[];
}

export interface FilterPlan {
  readonly defaultAction: number;
  readonly rules: readonly Rule[];
  /** Flags for seccomp(2), but SECCOMP_FILTER_FLAG_NEW_LISTENER. */
  readonly flags: number;
  /** Some rule says SCMP_ACT_NOTIFY. */
  readonly listener: boolean;
}

/** System calls have six arguments. */
const LAST_ARGUMENT = 5;

/**
 * The plan of a filter. Rules that only repeat the default action are left out (libseccomp refuses them). Two
 * conditions on one argument cannot both be in one rule of libseccomp: such a list becomes one rule a condition,
 * any of which suffices, as runc and Docker before it have it.
 */
export function planFilter(config: Seccomp): FilterPlan {
  const { defaultAction, defaultErrnoRet, syscalls = [] } = config;
  if (defaultAction === 'SCMP_ACT_NOTIFY')
    throw new TsociError(
      'seccomp: SCMP_ACT_NOTIFY cannot be the default action: nobody could answer for the agent',
    );
  const byDefault = actionValue(defaultAction, defaultErrnoRet, 'seccomp default action');
  const rules: Rule[] = [];
  for (const syscall of syscalls) {
    const where = `seccomp rule for ${syscall.names.join(', ')}`;
    const action = actionValue(syscall.action, syscall.errnoRet, where);
    checkNotify(syscall, where);
    const alternatives = conditionLists((syscall.args ?? []).map((arg) => condition(arg, where)));
    if (action === byDefault) continue;
    for (const name of syscall.names) {
      for (const conditions of alternatives) rules.push({ name, action, conditions });
    }
  }
  const listener = syscalls.some(({ action }) => action === 'SCMP_ACT_NOTIFY');
  checkListener(config, listener);
  return { defaultAction: byDefault, rules, flags: flagBits(config, listener), listener };
}

/**
 * The stub hands the notification descriptor to the agent with sendmsg(2), under the filter: nobody could answer a
 * notification about that call.
 */
function checkNotify({ action, names }: Syscall, where: string): void {
  if (action === 'SCMP_ACT_NOTIFY' && names.includes('sendmsg'))
    throw new TsociError(
      `${where}: SCMP_ACT_NOTIFY for sendmsg would wait for an agent that is reached by sendmsg`,
    );
}

function checkListener({ listenerPath, listenerMetadata }: Seccomp, listener: boolean): void {
  if (listener && !listenerPath)
    throw new TsociError('seccomp: SCMP_ACT_NOTIFY is used, but linux.seccomp.listenerPath is not set');
  if (listenerMetadata && !listenerPath)
    throw new TsociError('seccomp: listenerMetadata is set, but linux.seccomp.listenerPath is not');
}

function condition({ index, value, valueTwo = 0, op }: SyscallArg, where: string): Condition {
  const operator = operators[op];
  if (operator === undefined) throw new TsociError(`${where}: unknown operator ${op}`);
  if (!(index >= 0 && index <= LAST_ARGUMENT))
    throw new TsociError(`${where}: there is no argument ${index}`);
  return { index, operator, a: uint64(value, `${where} value`), b: uint64(valueTwo, `${where} valueTwo`) };
}

function conditionLists(conditions: readonly Condition[]): (readonly Condition[])[] {
  const indices = new Set(conditions.map(({ index }) => index));
  return indices.size === conditions.length ? [conditions] : conditions.map((one) => [one]);
}

/**
 * Without a list of flags SECCOMP_FILTER_FLAG_SPEC_ALLOW, as runc has it: on kernels before 5.16 a filter would
 * otherwise switch a costly mitigation on. WAIT_KILLABLE_RECV is for filters with a listener; for others seccomp(2)
 * refuses it, though it says nothing about them.
 */
function flagBits({ flags }: Seccomp, listener: boolean): number {
  if (!flags) return SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  let bits = 0;
  for (const flag of flags) {
    const bit = filterFlags[flag];
    if (bit === undefined) throw new TsociError(`seccomp: unknown flag ${flag}`);
    bits |= bit;
  }
  return listener ? bits : bits & ~SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
}
