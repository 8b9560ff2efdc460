// Network namespaces by descriptor (network_namespaces(7)), and netlink sockets inside them.
//
// A netlink socket belongs to the namespace where it was made. So a stub joins the namespace, makes the socket there
// and passes it to us; Node itself never leaves its namespace.

import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs';
import type { Caller } from '../launcher/caller.ts';
import { AF_NETLINK, CLONE_NEWNET } from '../linux/constants.ts';
import { TsociError } from '../linux/errors.ts';
import { NETLINK_ROUTE } from '../linux/netlink/netlink-constants.ts';
import { NETLINK_SOCKET_TYPE, NetlinkSocket } from '../linux/netlink/socket.ts';
import { StubProcess } from '../stub/stub-process.ts';

/** The network namespace of our own process. */
export const OWN_NAMESPACE = '/proc/self/ns/net';

/** Runs `body` with a descriptor of the network namespace at `path`, such as /proc/PID/ns/net. */
export function withNamespace<T>(path: string, body: (namespace: number) => T): T {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY);
  } catch (error) {
    throw TsociError.from(`open the network namespace ${path}`, error);
  }
  try {
    return body(fd);
  } finally {
    closeSync(fd);
  }
}

/** Whether a descriptor is of our own network namespace (namespaces(7): the same device and inode). */
export function isOwnNamespace(namespace: number): boolean {
  const [theirs, ours] = [fstatSync(namespace), statSync(OWN_NAMESPACE)];
  return theirs.dev === ours.dev && theirs.ino === ours.ino;
}

/** Runs `body` with an rtnetlink socket to our own network namespace. */
export function withRoutes<T>(body: (routes: NetlinkSocket) => T): T {
  return closing(NetlinkSocket.open(NETLINK_ROUTE), body);
}

/** Runs `body` with an rtnetlink socket to another network namespace. */
export function withRoutesIn<T>(
  caller: Pick<Caller, 'launcher' | 'stdio'>,
  namespace: number,
  body: (routes: NetlinkSocket) => T,
): T {
  return closing(new NetlinkSocket(routeSocketIn(caller, namespace)), body);
}

function closing<T>(socket: NetlinkSocket, body: (socket: NetlinkSocket) => T): T {
  try {
    return body(socket);
  } finally {
    socket.close();
  }
}

/** setns(2) demands CAP_SYS_ADMIN in the user namespace that owns the network namespace, and in our own. */
function routeSocketIn({ launcher, stdio }: Pick<Caller, 'launcher' | 'stdio'>, namespace: number): number {
  const stub = StubProcess.spawn(launcher, { stdio, extra: [namespace] });
  try {
    const program = stub.program();
    program.call('setns', [stub.extra(0), CLONE_NEWNET], 'join the network namespace');
    const args = [AF_NETLINK, NETLINK_SOCKET_TYPE, NETLINK_ROUTE];
    const socket = program.open('socket', args, 'open a netlink socket in the network namespace');
    program.send(stub.control, [socket], 'pass a netlink socket');
    const [fd = -1] = stub.receiveDescriptors(program, 1);
    return fd;
  } finally {
    stub.dismiss();
  }
}
