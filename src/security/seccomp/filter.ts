// From linux.seccomp to a filter that can be installed (config-linux.md#seccomp).

import type { Seccomp } from '../../config/generated/types.ts';
import { step } from '../../linux/steps.ts';
import { cached, cacheKey } from './cache.ts';
import { compile } from './compile.ts';
import { checkFlags } from './filter-flags.ts';
import { planFilter } from './filter-rules.ts';
import { libseccompIdentity } from './libseccomp.ts';

export interface CompiledFilter {
  /** The BPF program: an array of struct sock_filter. */
  readonly program: Buffer;
  /** Flags for seccomp(2), but SECCOMP_FILTER_FLAG_NEW_LISTENER. */
  readonly flags: number;
  /** The filter asks an agent: see installFilter. */
  readonly listener: boolean;
}

/**
 * Checks and compiles the filter. `cacheDirectory`, if given, keeps compiled filters; a hit does not even load
 * libseccomp. Throws TsociError: for what the config says, or when libseccomp is needed and not there.
 */
export function compileFilter(config: Seccomp, cacheDirectory?: string): CompiledFilter {
  const plan = planFilter(config);
  checkFlags(config.flags);
  const make = (): Buffer => {
    step('compile the seccomp filter');
    return compile(config, plan);
  };
  const identity = cacheDirectory === undefined ? undefined : libseccompIdentity();
  const program =
    cacheDirectory === undefined || identity === undefined
      ? make()
      : cached(cacheDirectory, cacheKey(config, identity), make);
  return { program, flags: plan.flags, listener: plan.listener };
}
