// Descriptors that the container's process inherits from the caller (--preserve-fds, sd_listen_fds(3)).

import { readdirSync } from 'node:fs';
import type { Caller } from '../../launcher/caller.ts';
import { EBADF } from '../../linux/errno.ts';
import { TsociError } from '../../linux/errors.ts';

/** Descriptors that the process inherits, from 3 on: those that the caller asks for, then those of socket activation. */
export interface InheritedDescriptors {
  count: number;
  /** What sd_listen_fds(3) needs to find in the environment. */
  variables: string[];
}

/** How many descriptors from 3 on the process inherits. Each must be open, and be one of the caller's. */
export function inheritedDescriptors(caller: Caller, preserveFds: number): InheritedDescriptors {
  const FIRST = 3;
  const listenFds = listenFdsOf(caller);
  const count = preserveFds + listenFds;
  if (count === 0) return { count, variables: [] };
  const open = new Set(readdirSync(`/proc/${caller.pid}/fd`).map(Number));
  open.delete(caller.launcher.control);
  for (let fd = FIRST; fd < FIRST + count; fd++) {
    if (open.has(fd)) continue;
    const doing = `inherit descriptor ${fd} (--preserve-fds ${preserveFds}, LISTEN_FDS ${listenFds})`;
    throw TsociError.fromErrno(doing, EBADF);
  }
  return { count, variables: listenFds > 0 ? [`LISTEN_FDS=${listenFds}`, 'LISTEN_PID=1'] : [] };
}

/** sd_listen_fds(3): LISTEN_FDS is for the process that LISTEN_PID names. */
function listenFdsOf({ env: { LISTEN_FDS, LISTEN_PID }, pid }: Caller): number {
  if (!LISTEN_FDS || (LISTEN_PID !== undefined && LISTEN_PID !== String(pid))) return 0;
  if (!/^\d+$/.test(LISTEN_FDS))
    throw new TsociError(`LISTEN_FDS is ${JSON.stringify(LISTEN_FDS)}; expected a number of descriptors`);
  return Number(LISTEN_FDS);
}
