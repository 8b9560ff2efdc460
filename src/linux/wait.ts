// Waiting for child processes (waitpid(2)).

import { WNOHANG } from './constants.ts';
import { ECHILD, EINTR } from './errno.ts';
import { syscall } from './ffi.ts';
import { SYS } from './syscalls.ts';

export interface WaitStatus {
  /** The exit status, when the process exited. */
  code: number;
  /** The number of the signal that killed it, 0 if none did. */
  signal: number;
}

/** The status of a child that has ended, waiting for it. One that is no child of ours counts as exit 0. */
export function reap(pid: number): WaitStatus {
  return wait(pid, 0) ?? { code: 0, signal: 0 };
}

/** The status of a child that has ended; undefined while it runs. */
export function reapIfEnded(pid: number): WaitStatus | undefined {
  return wait(pid, WNOHANG);
}

function wait(pid: number, options: number): WaitStatus | undefined {
  const status = new Int32Array(1);
  for (;;) {
    const result = syscall(SYS.wait4, pid, new Uint8Array(status.buffer), options, 0);
    if (result === -EINTR) continue;
    if (result === -ECHILD) return { code: 0, signal: 0 };
    if (result <= 0) return undefined;
    const word = status[0] ?? 0;
    return { code: (word >> 8) & 0xff, signal: word & 0x7f };
  }
}
