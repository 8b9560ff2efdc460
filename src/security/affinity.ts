// process.execCPUAffinity (config.md#linux-process, sched_setaffinity(2)). It concerns `exec`, not the container's init.

import type { ExecCPUAffinity } from '../config/generated/types.ts';
import type { Program } from '../stub/program.ts';
import { parseIdList } from './id-list.ts';

/** Where the process runs until it is in the container's cgroup. */
export function setInitialAffinity(program: Program, config: ExecCPUAffinity | undefined): void {
  setAffinity(program, config?.initial, 'initial');
}

/** Where it runs from then on. Without a list the kernel's choice stands. */
export function setFinalAffinity(program: Program, config: ExecCPUAffinity | undefined): void {
  setAffinity(program, config?.final, 'final');
}

function setAffinity(program: Program, list: string | undefined, which: 'initial' | 'final'): void {
  if (!list) return;
  const mask = parseIdList(list, `set ${which} CPU affinity`);
  const doing = `set ${which} CPU affinity ${list} (has the container such CPUs?)`;
  program.call('sched_setaffinity', [0, mask.length, mask], doing);
}
