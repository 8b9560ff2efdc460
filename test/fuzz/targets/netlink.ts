// Answers of the kernel by netlink(7), which come from another process here: each datagram has its length, 16 bits, in front.

import { AF_NETLINK } from '../../../src/linux/constants.ts';
import { check, closeDescriptor } from '../../../src/linux/descriptor.ts';
import { listAddresses } from '../../../src/linux/netlink/ip-address.ts';
import { findLink, listLinks } from '../../../src/linux/netlink/link.ts';
import { encodeMessage, errorOf, messagesIn } from '../../../src/linux/netlink/netlink-message.ts';
import { NETLINK_SOCKET_TYPE, NetlinkSocket } from '../../../src/linux/netlink/socket.ts';
import { same, unlessRefused } from '../properties.ts';

/** linux/netlink.h: for messages between processes. */
const NETLINK_USERSOCK = 2;
/** struct sockaddr_nl: family, padding, pid, groups. */
const ADDRESS_SIZE = 12;

const questions: readonly ((socket: NetlinkSocket) => unknown)[] = [
  (socket) => findLink(socket, 'eth0'),
  (socket) => listLinks(socket),
  (socket) => listAddresses(socket, 1),
];

export function fuzz(data: Buffer): void {
  for (const message of messagesIn(data)) {
    unlessRefused(() => errorOf(message));
    const { type, flags, sequence, payload } = message;
    same([...messagesIn(encodeMessage(type, flags, sequence, payload))], [message], 'an encoded message');
  }
  for (const ask of questions) unlessRefused(() => answered(data, ask));
}

/** Has something asked of a socket whose other end has sent its answers already. */
function answered(data: Buffer, ask: (socket: NetlinkSocket) => unknown): unknown {
  const [near, far] = [open(), open()];
  try {
    check('connect', 'connect', near, addressOf(far), ADDRESS_SIZE);
    check('connect', 'connect', far, addressOf(near), ADDRESS_SIZE);
    for (let at = 0; at + 2 < data.length; ) {
      const end = at + 2 + data.readUInt16LE(at);
      const datagram = data.subarray(at + 2, end);
      if (datagram.length > 0) check('answer', 'sendto', far, datagram, datagram.length, 0, 0, 0);
      at = end;
    }
    return ask(new NetlinkSocket(near));
  } finally {
    for (const fd of [near, far]) closeDescriptor(fd);
  }
}

function open(): number {
  return check('open', 'socket', AF_NETLINK, NETLINK_SOCKET_TYPE, NETLINK_USERSOCK);
}

/** Binds it to the number that the kernel gives it. */
function addressOf(fd: number): Buffer {
  const address = Buffer.alloc(ADDRESS_SIZE);
  address.writeUInt16LE(AF_NETLINK, 0);
  check('bind', 'bind', fd, address, address.length);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(address.length);
  check('ask for the address', 'getsockname', fd, address, length);
  return address;
}
