// config.md#posix-process

import { error, type Finding } from '../finding.ts';
import type { Process } from '../generated/types.ts';

const section = 'config.md#posix-process';

export function rlimits({ rlimits = [] }: Process): Finding[] {
  const findings: Finding[] = [];
  const seen = new Set<string>();
  for (const [i, { type, soft, hard }] of rlimits.entries()) {
    const pointer = `/rlimits/${i}`;
    if (seen.has(type))
      findings.push(error(`${pointer}/type`, `is ${type} once more`, 'each type once', section));
    seen.add(type);
    // setrlimit(2): EINVAL
    if (soft > hard)
      findings.push(error(`${pointer}/soft`, `is ${soft}`, `at most the hard limit, ${hard}`, section));
  }
  return findings;
}
