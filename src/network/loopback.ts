// The loopback device of a new network namespace, which the kernel makes but leaves down.

import { AF_INET, IFF_RUNNING, IFF_UP, SIOCSIFFLAGS, SOCK_CLOEXEC, SOCK_DGRAM } from '../linux/constants.ts';
import type { Program } from '../stub/program.ts';

/** struct ifreq of netdevice(7): a name of at most 16 bytes, then a union of which ifr_flags is a short. */
const IFREQ_SIZE = 40;
const IFNAMSIZ = 16;

/**
 * Sets `lo` up in the network namespace of the process that runs `program`, which needs CAP_NET_ADMIN in the user
 * namespace that owns it. An ioctl is one call where rtnetlink needs a message and its acknowledgement; the kernel gives
 * `lo` its addresses 127.0.0.1 and ::1 by itself.
 */
export function loopbackUp(program: Program): void {
  const request = Buffer.alloc(IFREQ_SIZE);
  request.write('lo');
  request.writeInt16LE(IFF_UP | IFF_RUNNING, IFNAMSIZ);
  const socket = program.open('socket', [AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0], 'open a socket for lo');
  program.call('ioctl', [socket, SIOCSIFFLAGS, request], 'set lo up');
  program.close(socket);
}
