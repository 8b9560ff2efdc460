// Descriptors that the container's process inherits from the caller (--preserve-fds, sd_listen_fds(3)).

import { fstatSync, readlinkSync } from 'node:fs';
import type { Caller } from '../../linux/caller.ts';
import { EBADF } from '../../linux/errno.ts';
import { TsociError } from '../../linux/errors.ts';

/** Descriptors that the process inherits: those that the caller asks for, then those of socket activation. */
export interface InheritedDescriptors {
  descriptors: number[];
  /** What sd_listen_fds(3) needs to find in the environment. */
  variables: string[];
}

/**
 * What the first descriptor that the JavaScript engine opens for itself leads to (epoll(7)). It has the lowest number that
 * the caller has left free, where it could be taken for one of the caller's.
 */
const FIRST_OF_NODE = 'anon_inode:[eventpoll]';

/**
 * Descriptors of ours from 3 on. Each must be open, and be one of the caller's: an absurd number of them ends at the first
 * that is not.
 */
export function inheritedDescriptors(caller: Caller, preserveFds: number): InheritedDescriptors {
  const FIRST = 3;
  const listenFds = listenFdsOf(caller);
  const descriptors: number[] = [];
  for (let fd = FIRST; fd < FIRST + preserveFds + listenFds; fd++) {
    const doing = `inherit descriptor ${fd} (--preserve-fds ${preserveFds}, LISTEN_FDS ${listenFds})`;
    try {
      fstatSync(fd);
    } catch (error) {
      throw TsociError.from(doing, error);
    }
    if (readlinkSync(`/proc/self/fd/${fd}`) === FIRST_OF_NODE) throw TsociError.fromErrno(doing, EBADF);
    descriptors.push(fd);
  }
  return { descriptors, variables: listenFds > 0 ? [`LISTEN_FDS=${listenFds}`, 'LISTEN_PID=1'] : [] };
}

/** sd_listen_fds(3): LISTEN_FDS is for the process that LISTEN_PID names. */
function listenFdsOf({ env: { LISTEN_FDS, LISTEN_PID }, pid }: Caller): number {
  if (!LISTEN_FDS || (LISTEN_PID !== undefined && LISTEN_PID !== String(pid))) return 0;
  if (!/^\d+$/.test(LISTEN_FDS))
    throw new TsociError(`LISTEN_FDS is ${JSON.stringify(LISTEN_FDS)}; expected a number of descriptors`);
  return Number(LISTEN_FDS);
}
