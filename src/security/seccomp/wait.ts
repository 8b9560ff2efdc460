// Whether a process can wait for `start` under a filter (init/wait-for-start.ts).

import type { Seccomp, SeccompAction } from '../../config/generated/types.ts';

/** What init calls under a filter that `create` has installed: its answer to `create`, the wait, and what is left then. */
const CALLS = ['sendto', 'madvise', 'close', 'accept4', 'read', 'fcntl', 'prlimit64'] as const;
const making: readonly SeccompAction[] = ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG'];

/** By what the rules say: whatever the arguments, each of those calls is made. */
export function letsWait({ defaultAction, syscalls = [] }: Seccomp): boolean {
  return CALLS.every((call) => {
    const rules = syscalls.filter(({ names }) => names.includes(call));
    if (rules.some(({ action }) => !making.includes(action))) return false;
    return making.includes(defaultAction) || rules.some(({ args = [] }) => args.length === 0);
  });
}
