// Which flags of seccomp(2) the kernel takes.

import type { SeccompFlag } from '../../config/generated/types.ts';
import { seccompFlags } from '../../config/generated/values.ts';
import { SECCOMP_FILTER_FLAG_NEW_LISTENER, SECCOMP_SET_MODE_FILTER } from '../../linux/constants.ts';
import { TsociError } from '../../linux/errors.ts';
import { syscall } from '../../linux/ffi.ts';
import { SYS } from '../../linux/syscalls.ts';
import { filterFlags } from './names.ts';

const EFAULT = 14;

/**
 * Asks the kernel: it looks at the flags before it reads the filter, and finds none at address 0. Nothing is
 * installed. WAIT_KILLABLE_RECV is valid only beside NEW_LISTENER (seccomp(2)).
 */
function kernelTakes(flag: SeccompFlag): boolean {
  const beside = flag === 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV' ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
  return syscall(SYS.seccomp, SECCOMP_SET_MODE_FILTER, filterFlags[flag] | beside, 0) === -EFAULT;
}

export function supportedFlags(): SeccompFlag[] {
  return seccompFlags.filter(kernelTakes);
}

/** Flags that the config names and the kernel lacks are an error that names them. */
export function checkFlags(flags: readonly SeccompFlag[] = []): void {
  const missing = flags.filter((flag) => !kernelTakes(flag));
  if (missing.length > 0) throw new TsociError(`seccomp: this kernel does not support ${missing.join(', ')}`);
}
