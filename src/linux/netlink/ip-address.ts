// Addresses of network devices by rtnetlink(7): RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR.

import { AF_INET } from '../constants.ts';
import { attribute, attributeMap, u32, u32Of } from './attributes.ts';
import {
  AF_UNSPEC,
  IFA_ADDRESS,
  IFA_BROADCAST,
  IFA_FLAGS,
  IFA_LOCAL,
  NLM_F_CREATE,
  NLM_F_EXCL,
  RT_SCOPE_UNIVERSE,
  RTM_DELADDR,
  RTM_GETADDR,
  RTM_NEWADDR,
} from './netlink-constants.ts';
import { type Reply, type Request, splitPayload } from './netlink-message.ts';
import type { NetlinkSocket } from './socket.ts';

/** An address on a device, as the kernel has it. */
export interface InterfaceAddress {
  /** AF_INET, AF_INET6 or another. */
  readonly family: number;
  /** The length of the prefix in bits. */
  readonly prefix: number;
  /** RT_SCOPE_*. */
  readonly scope: number;
  /** IFA_F_*. */
  readonly flags: number;
  /** The index of the device. */
  readonly index: number;
  /** The address itself, in network order. */
  readonly bytes: Buffer;
  /** All that the kernel says of it, IFA_* by type. */
  readonly attributes: ReadonlyMap<number, Buffer>;
}

/** sizeof(struct ifaddrmsg): family, prefix, flags, scope (8 bits each), index. */
const HEADER_SIZE = 8;

function header(family: number, prefix: number, scope: number, index: number): Buffer {
  const bytes = Buffer.alloc(HEADER_SIZE);
  bytes.set([family, prefix, 0, scope]);
  bytes.writeUInt32LE(index, 4);
  return bytes;
}

/** What a new address consists of. `attributes` are IFA_* by type. */
export interface NewAddress {
  readonly index: number;
  readonly family: number;
  readonly prefix: number;
  readonly scope: number;
  readonly flags: number;
  readonly attributes: ReadonlyMap<number, Uint8Array>;
}

export function createAddress(
  { index, family, prefix, scope, flags, attributes }: NewAddress,
  doing: string,
): Request {
  const parts = [...attributes].map(([type, value]) => attribute(type, value));
  const payload = Buffer.concat([header(family, prefix, scope, index), u32(IFA_FLAGS, flags), ...parts]);
  return { doing, type: RTM_NEWADDR, flags: NLM_F_CREATE | NLM_F_EXCL, payload };
}

/**
 * A plain address of global scope. For IPv4 the kernel wants it as IFA_LOCAL, and does not derive the broadcast
 * address by itself; IPv6 has none.
 */
export function plainAddress(
  index: number,
  { bytes, prefix, broadcast }: { bytes: Uint8Array; prefix: number; broadcast?: Uint8Array | undefined },
  family: number,
  flags: number,
): NewAddress {
  const attributes = new Map([[IFA_ADDRESS, bytes]]);
  if (family === AF_INET) attributes.set(IFA_LOCAL, bytes);
  if (broadcast) attributes.set(IFA_BROADCAST, broadcast);
  return { index, family, prefix, scope: RT_SCOPE_UNIVERSE, flags, attributes };
}

export function deleteAddress(address: InterfaceAddress, doing: string): Request {
  const { family, prefix, scope, index, bytes } = address;
  const local = attribute(IFA_LOCAL, bytes);
  const payload = Buffer.concat([header(family, prefix, scope, index), local]);
  return { doing, type: RTM_DELADDR, flags: 0, payload };
}

/** All addresses of the device with that index. */
export function listAddresses(socket: NetlinkSocket, index: number): InterfaceAddress[] {
  const request = {
    doing: `list the addresses of device ${index}`,
    type: RTM_GETADDR,
    flags: 0,
    payload: header(AF_UNSPEC, 0, 0, index),
  };
  return socket
    .dump(request)
    .filter(({ type }) => type === RTM_NEWADDR)
    .map(addressOf)
    .filter((address) => address.index === index);
}

function addressOf(reply: Reply): InterfaceAddress {
  const { header, attributes: rest } = splitPayload(reply, HEADER_SIZE);
  const attributes = attributeMap(rest);
  return {
    family: header.readUInt8(0),
    prefix: header.readUInt8(1),
    scope: header.readUInt8(3),
    // The header has room for the first eight flags only.
    flags: u32Of(attributes.get(IFA_FLAGS)) ?? header.readUInt8(2),
    index: header.readUInt32LE(4),
    // On a point-to-point device IFA_ADDRESS is the other end.
    bytes: attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS) ?? Buffer.alloc(0),
    attributes,
  };
}
