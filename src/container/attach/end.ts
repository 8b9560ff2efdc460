// How a process in the foreground has ended: its exit status, and what a status alone does not say.

import { oomKills } from '../../cgroups/watch.ts';
import { SIGKILL, SIGSYS } from '../../linux/constants.ts';
import type { WaitStatus } from '../../linux/wait.ts';
import { fatalSyscall } from '../../security/seccomp/kernel-log.ts';

/** As shells have it: 128 and the number of the signal that killed it. */
export function exitStatus({ signal, code }: WaitStatus): number {
  return signal ? 128 + signal : code;
}

export interface Ended {
  pid: number;
  status: WaitStatus;
  /** The cgroup of the container, which is still there. */
  cgroup: string | undefined;
  /** oomKillsIn that cgroup before the process began. */
  killsBefore: number;
}

/** How many processes of a cgroup the OOM killer has killed so far. */
export function oomKillsIn(cgroup: string | undefined): number {
  return cgroup === undefined ? 0 : oomKills(cgroup);
}

/** Who has ended the process where it was neither itself nor somebody's kill(2); undefined for an ordinary end. */
export function explainEnd({ pid, status, cgroup, killsBefore }: Ended): string | undefined {
  if (status.signal === SIGSYS) {
    const call = fatalSyscall(pid);
    const what = call ? `the system call ${call}` : 'a system call that the kernel log may name (type=1326)';
    return `process ${pid} was killed by SIGSYS: linux.seccomp does not allow ${what}`;
  }
  const kills = oomKillsIn(cgroup) - killsBefore;
  if (kills <= 0) return undefined;
  const who = status.signal === SIGKILL ? `process ${pid} was` : 'processes of the container were';
  return `${who} killed by the OOM killer (memory.events: oom_kill ${kills}): linux.resources.memory.limit, or that of a cgroup above, is too low`;
}
