// Why a process goes on after SIGKILL, which only the kernel can put off.

import { tryRead } from '../linux/files.ts';
import { processStat } from '../linux/procfs.ts';

/** Words to put behind "does not end after SIGKILL"; empty for one that has ended now. */
export function whyUndying(pid: number): string {
  const state = processStat(pid)?.state;
  if (state === undefined) return '';
  const frozen = frozenAt(pid);
  return frozen === undefined
    ? `: it is in state ${state} (proc_pid_stat(5)) and waits in ${tryRead(`/proc/${pid}/wchan`) ?? ''} of the kernel`
    : `: it is frozen by ${frozen}, where whoever froze it has to write THAWED`;
}

/**
 * The file by which the freezer of cgroup v1 holds the process (freezer-subsystem.rst). Unlike that of cgroup v2 it puts
 * off SIGKILL.
 */
function frozenAt(pid: number): string | undefined {
  const [, path] = /^\d+:freezer:(.*)$/m.exec(tryRead(`/proc/${pid}/cgroup`) ?? '') ?? [];
  const file = `/sys/fs/cgroup/freezer${path}/freezer.state`;
  return path !== undefined && /^FR(OZEN|EEZING)$/.test(tryRead(file) ?? '') ? file : undefined;
}
