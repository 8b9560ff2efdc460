// Waiting for child processes (waitpid(2)).

import { EINTR } from './errno.ts';
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
  const status = new Int32Array(1);
  let result: number;
  do result = syscall(SYS.wait4, pid, new Uint8Array(status.buffer), 0, 0);
  while (result === -EINTR);
  const word = result > 0 ? (status[0] ?? 0) : 0;
  return { code: (word >> 8) & 0xff, signal: word & 0x7f };
}
