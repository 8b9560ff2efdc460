// The names of linux.seccomp and what they stand for (config-linux.md#seccomp; seccomp.h of libseccomp).

import type {
  SeccompAction,
  SeccompArch,
  SeccompFlag,
  SeccompOperator,
} from '../../config/generated/types.ts';
import {
  SECCOMP_FILTER_FLAG_LOG,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  SECCOMP_FILTER_FLAG_TSYNC,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
} from '../../linux/constants.ts';
import { EPERM } from '../../linux/errno.ts';
import { TsociError } from '../../linux/errors.ts';

/** linux/seccomp.h, SECCOMP_RET_*: the upper half; ERRNO and TRACE carry a number in the lower. */
export const actions: Readonly<Record<SeccompAction, number>> = {
  SCMP_ACT_KILL: 0x00000000,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_KILL_THREAD: 0x00000000,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_ERRNO: 0x00050000,
  SCMP_ACT_NOTIFY: 0x7fc00000,
  SCMP_ACT_TRACE: 0x7ff00000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: 0x7fff0000,
};

const SECCOMP_RET_DATA = 0xffff;

/** seccomp.h, enum scmp_compare. */
export const operators: Readonly<Record<SeccompOperator, number>> = {
  SCMP_CMP_NE: 1,
  SCMP_CMP_LT: 2,
  SCMP_CMP_LE: 3,
  SCMP_CMP_EQ: 4,
  SCMP_CMP_GE: 5,
  SCMP_CMP_GT: 6,
  SCMP_CMP_MASKED_EQ: 7,
};

export const filterFlags: Readonly<Record<SeccompFlag, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC,
  SECCOMP_FILTER_FLAG_LOG,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
};

/** The value that the filter returns to the kernel. `what` names the action's place in the error. */
export function actionValue(action: SeccompAction, errnoRet: number | undefined, what: string): number {
  const value = actions[action];
  if (value === undefined) throw new TsociError(`${what}: unknown action ${action}`);
  if (action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE') {
    const errno = errnoRet ?? EPERM;
    if (!(errno >= 0 && errno <= SECCOMP_RET_DATA))
      throw new TsociError(`${what}: errno ${errno} is too large`);
    return value | errno;
  }
  if (errnoRet !== undefined) throw new TsociError(`${what}: ${action} takes no errno`);
  return value;
}

/** libseccomp's own name of an architecture: x86_64 of SCMP_ARCH_X86_64. */
export function archName(arch: SeccompArch): string {
  return arch.replace(/^SCMP_ARCH_/, '').toLowerCase();
}
