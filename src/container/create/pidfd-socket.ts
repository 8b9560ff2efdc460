// Sends a pidfd of the process to a socket (--pidfd-socket). A pid may come to mean another process, a pidfd cannot
// (pidfd_open(2)).

import { check, closeDescriptor } from '../../linux/descriptor.ts';
import { sendDescriptorTo } from '../../linux/unix-socket.ts';

/** The message is what runc calls the process: that of `create` standard, that of `exec` setns. */
export function sendPidfd(path: string, pid: number, kind: 'standard' | 'setns'): void {
  const pidfd = check(`open process ${pid}`, 'pidfd_open', pid, 0);
  try {
    sendDescriptorTo(path, kind, pidfd, 'the pidfd');
  } finally {
    closeDescriptor(pidfd);
  }
}
