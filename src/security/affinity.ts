// CPU affinity (sched_setaffinity(2)): that of the caller is none of the container's, and process.execCPUAffinity
// (config.md#linux-process) is for `exec` alone.

import type { ExecCPUAffinity } from '../config/generated/types.ts';
import type { Program } from '../stub/program.ts';
import { MOST_IDS, parseIdList } from './id-list.ts';

/**
 * All CPUs that the cgroup allows. A caller that is bound to some, as the daemon of an engine may be, does not bind its
 * containers: a cpuset is the way to do that.
 */
export function resetAffinity(program: Program): void {
  const all = new Uint8Array(MOST_IDS / 8).fill(0xff);
  program.call('sched_setaffinity', [0, all.length, all], 'allow all CPUs of the cgroup');
}

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
