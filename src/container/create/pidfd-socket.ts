// The socket of who wants a descriptor of the process (--pidfd-socket, pidfd_open(2)): it cannot become another's, as a pid can.

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
