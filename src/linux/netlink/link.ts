// Network devices by rtnetlink(7): RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK. Requests are made here, and sent by whoever has
// a socket to the right network namespace.

import { IFF_UP } from '../constants.ts';
import { ENODEV } from '../errno.ts';
import { errnoOf } from '../errors.ts';
import { attribute, attributeMap, attributesIn, nested, text, textOf, u8, u32, u32Of } from './attributes.ts';
import {
  AF_UNSPEC,
  IFLA_ADDRESS,
  IFLA_ALT_IFNAME,
  IFLA_BRPORT_MODE,
  IFLA_EXT_MASK,
  IFLA_IFALIAS,
  IFLA_IFNAME,
  IFLA_INFO_DATA,
  IFLA_INFO_KIND,
  IFLA_INFO_SLAVE_DATA,
  IFLA_INFO_SLAVE_KIND,
  IFLA_LINK,
  IFLA_LINKINFO,
  IFLA_MASTER,
  IFLA_MTU,
  IFLA_NET_NS_FD,
  IFLA_NEW_IFINDEX,
  IFLA_PROP_LIST,
  IFNAMSIZ,
  NLM_F_CREATE,
  NLM_F_EXCL,
  RTEXT_FILTER_SKIP_STATS,
  RTM_DELLINK,
  RTM_GETLINK,
  RTM_NEWLINK,
  VETH_INFO_PEER,
} from './netlink-constants.ts';
import { type Reply, type Request, splitPayload } from './netlink-message.ts';
import type { NetlinkSocket } from './socket.ts';

export interface Link {
  readonly index: number;
  readonly name: string;
  /** Further names (`ip link property add`), which no other device of the namespace can have. */
  readonly alternativeNames: readonly string[];
  readonly up: boolean;
  readonly mtu: number;
  readonly mac: Buffer;
  /** `bridge`, `veth`, …; physical devices and loopback have none. */
  readonly kind: string | undefined;
  /** The index of the bridge that it is a port of, 0 if none. */
  readonly master: number;
  /** The index of its other end (a veth's peer), in whatever namespace that is; its own if there is none. */
  readonly peer: number;
  readonly alias: string | undefined;
}

/** What can be set on a device. A field left out stays as it is. */
export interface LinkSettings {
  /** At most 15 bytes. With `%d` in it the kernel puts the first free number there. */
  name?: string | undefined;
  up?: boolean | undefined;
  /** In bytes. */
  mtu?: number | undefined;
  mac?: Uint8Array | undefined;
  /** The index of the bridge; 0 takes it out. */
  master?: number | undefined;
  /** Words for the reader of `ip link`, at most 255 bytes. */
  alias?: string | undefined;
  /** Of a bridge's port: whether the bridge may send frames back through the port that they came in by. */
  hairpin?: boolean | undefined;
  /** A descriptor of the network namespace that it moves to. */
  namespace?: number | undefined;
  /** Its index in the namespace that it moves to. */
  newIndex?: number | undefined;
}

/** sizeof(struct ifinfomsg). */
const HEADER_SIZE = 16;

export function createBridge(name: string, settings: LinkSettings): Request {
  const kind = nested(IFLA_LINKINFO, text(IFLA_INFO_KIND, 'bridge'));
  return create(`make the bridge ${name}`, { ...settings, name }, kind);
}

/** A pair of devices, made at once: the second in another namespace if its settings say so. */
export function createVeth(name: string, settings: LinkSettings, peer: LinkSettings): Request {
  const peerInfo = nested(VETH_INFO_PEER, header(0, peer), attributes(peer));
  const info = nested(IFLA_LINKINFO, text(IFLA_INFO_KIND, 'veth'), nested(IFLA_INFO_DATA, peerInfo));
  return create(`make the pair of ${name} and ${peer.name}`, { ...settings, name }, info);
}

function create(doing: string, settings: LinkSettings, info: Buffer): Request {
  const payload = Buffer.concat([header(0, settings), attributes(settings), info]);
  return { doing, type: RTM_NEWLINK, flags: NLM_F_CREATE | NLM_F_EXCL, payload };
}

export function setLink(index: number, settings: LinkSettings, doing: string): Request {
  return {
    doing,
    type: RTM_NEWLINK,
    flags: 0,
    payload: Buffer.concat([header(index, settings), attributes(settings)]),
  };
}

export function deleteLink(index: number, doing: string): Request {
  return { doing, type: RTM_DELLINK, flags: 0, payload: header(index, {}) };
}

/** Spares the kernel counters that make half of an answer. */
const WITHOUT_STATISTICS = u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);

/** The device of that name, its own or an alternative one; undefined if there is none. */
export function findLink(socket: NetlinkSocket, name: string): Link | undefined {
  // Names too long for IFLA_IFNAME can only be alternative ones.
  const type = Buffer.byteLength(name) < IFNAMSIZ ? IFLA_IFNAME : IFLA_ALT_IFNAME;
  const payload = Buffer.concat([header(0, {}), text(type, name), WITHOUT_STATISTICS]);
  try {
    const doing = `look for the device ${name}`;
    return linkOf(socket.get({ doing, type: RTM_GETLINK, flags: 0, payload }));
  } catch (error) {
    if (errnoOf(error) === ENODEV) return undefined;
    throw error;
  }
}

export function listLinks(socket: NetlinkSocket): Link[] {
  const payload = Buffer.concat([header(0, {}), WITHOUT_STATISTICS]);
  const request = { doing: 'list network devices', type: RTM_GETLINK, flags: 0, payload };
  return socket
    .dump(request)
    .filter(({ type }) => type === RTM_NEWLINK)
    .map(linkOf);
}

/** struct ifinfomsg: family, padding, type (16 bits), index, flags, the mask of flags to change. */
function header(index: number, { up }: LinkSettings): Buffer {
  const bytes = Buffer.alloc(HEADER_SIZE);
  bytes.writeUInt8(AF_UNSPEC, 0);
  bytes.writeInt32LE(index, 4);
  bytes.writeUInt32LE(up ? IFF_UP : 0, 8);
  bytes.writeUInt32LE(up === undefined ? 0 : IFF_UP, 12);
  return bytes;
}

function attributes(settings: LinkSettings): Buffer {
  const { name, mtu, mac, master, alias, hairpin, namespace, newIndex } = settings;
  const parts: Buffer[] = [];
  if (name !== undefined) parts.push(text(IFLA_IFNAME, name));
  if (mtu !== undefined) parts.push(u32(IFLA_MTU, mtu));
  if (mac !== undefined) parts.push(attribute(IFLA_ADDRESS, mac));
  if (master !== undefined) parts.push(u32(IFLA_MASTER, master));
  if (alias !== undefined) parts.push(text(IFLA_IFALIAS, alias));
  if (hairpin !== undefined) {
    const mode = nested(IFLA_INFO_SLAVE_DATA, u8(IFLA_BRPORT_MODE, hairpin ? 1 : 0));
    parts.push(nested(IFLA_LINKINFO, text(IFLA_INFO_SLAVE_KIND, 'bridge'), mode));
  }
  if (namespace !== undefined) parts.push(u32(IFLA_NET_NS_FD, namespace));
  if (newIndex !== undefined) parts.push(u32(IFLA_NEW_IFINDEX, newIndex));
  return Buffer.concat(parts);
}

function linkOf(reply: Reply): Link {
  const { header, attributes } = splitPayload(reply, HEADER_SIZE);
  const index = header.readInt32LE(4);
  const found = attributeMap(attributes);
  const word = (type: number) => u32Of(found.get(type));
  const info = attributeMap(found.get(IFLA_LINKINFO) ?? Buffer.alloc(0));
  const properties = [...attributesIn(found.get(IFLA_PROP_LIST) ?? Buffer.alloc(0))];
  const string = (value: Buffer | undefined) => value && textOf(value);
  return {
    index,
    name: string(found.get(IFLA_IFNAME)) ?? '',
    alternativeNames: properties.filter(([type]) => type === IFLA_ALT_IFNAME).map(([, name]) => textOf(name)),
    up: (header.readUInt32LE(8) & IFF_UP) !== 0,
    mtu: word(IFLA_MTU) ?? 0,
    mac: Buffer.from(found.get(IFLA_ADDRESS) ?? []),
    kind: string(info.get(IFLA_INFO_KIND)),
    master: word(IFLA_MASTER) ?? 0,
    peer: word(IFLA_LINK) ?? index,
    alias: string(found.get(IFLA_IFALIAS)),
  };
}
