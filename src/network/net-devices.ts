// Network devices of the host that become the container's: config-linux.md#network-devices.

import type { Config, NetDevice } from '../config/generated/types.ts';
import type { Caller } from '../launcher/caller.ts';
import { TsociError } from '../linux/errors.ts';
import {
  createAddress,
  type InterfaceAddress,
  listAddresses,
  type NewAddress,
} from '../linux/netlink/ip-address.ts';
import { findLink, type Link, listLinks, setLink } from '../linux/netlink/link.ts';
import {
  AF_INET6,
  IFA_F_DADFAILED,
  IFA_F_DEPRECATED,
  IFA_F_PERMANENT,
  IFA_F_SECONDARY,
  IFA_F_TENTATIVE,
  IFA_FLAGS,
  IFA_LABEL,
  IFNAMSIZ,
  RT_SCOPE_UNIVERSE,
} from '../linux/netlink/netlink-constants.ts';
import type { NetlinkSocket } from '../linux/netlink/socket.ts';
import { undoable } from '../linux/undo.ts';
import { isTemplate, nameProblem } from './interface-name.ts';
import { isOwnNamespace, OWN_NAMESPACE, withNamespace, withRoutes, withRoutesIn } from './namespace.ts';

export type NetDevices = Readonly<Record<string, NetDevice>>;

/** A device and where it goes. */
export interface Move {
  readonly link: Link;
  /** Its name in the container, which may be a template. */
  readonly name: string;
  /** Its index in the container. */
  readonly index: number;
}

/** Flags of an address that are the kernel's findings; inet_rtm_newaddr() and its IPv6 fellow arrive at them anew. */
const FOUND_FLAGS = IFA_F_SECONDARY | IFA_F_DADFAILED | IFA_F_DEPRECATED | IFA_F_TENTATIVE | IFA_F_PERMANENT;

/** linux.netDevices: moves them into the network namespace of a process. */
export function moveNetDevicesTo(
  caller: Pick<Caller, 'launcher' | 'stdio'>,
  pid: number,
  { linux }: Config,
): void {
  withNamespace(`/proc/${pid}/ns/net`, (namespace) => moveNetDevices(caller, linux?.netDevices, namespace));
}

/**
 * Moves devices from our network namespace into the container's, with the addresses that the specification names, and
 * sets them up. All are moved or none: when one fails, those before it come back.
 *
 * `namespace` is a descriptor. We need CAP_NET_ADMIN in the user namespaces that own the two network namespaces.
 */
export function moveNetDevices(
  caller: Pick<Caller, 'launcher' | 'stdio'>,
  devices: NetDevices | undefined,
  namespace: number,
): void {
  if (!devices || Object.keys(devices).length === 0) return;
  if (isOwnNamespace(namespace))
    throw new TsociError('netDevices: the container has no network namespace of its own to move devices to');
  withNamespace(OWN_NAMESPACE, (home) =>
    withRoutes((outside) =>
      withRoutesIn(caller, namespace, (inside) => {
        const moves = planMoves(devices, (name) => findLink(outside, name), listLinks(inside));
        undoable((undo) => {
          for (const move of moves) {
            const kept = listAddresses(outside, move.link.index).filter(isKept);
            // First of all, since a move whose renaming fails has happened nevertheless.
            undo.defer(() => moveBack(move, kept, home, { outside, inside }));
            moveIn(move, kept, namespace, { outside, inside });
          }
        });
      }),
    ),
  );
}

/** Checks that each device can be moved, and decides under which name and index. */
export function planMoves(
  devices: NetDevices,
  find: (name: string) => Link | undefined,
  present: readonly Link[],
): Move[] {
  const names = new Set(present.flatMap(({ name, alternativeNames }) => [name, ...alternativeNames]));
  const indices = new Set(present.map(({ index }) => index));
  return Object.entries(devices).map(([key, device]) => {
    const name = device.name || key;
    const problem = nameProblem(name);
    if (problem) throw new TsociError(`netDevices.${key}: the name ${JSON.stringify(name)} ${problem}`);
    const link = find(key);
    const property = `linux.netDevices[${JSON.stringify(key)}]`;
    if (!link) throw new TsociError(`netDevices.${key}: there is no network device ${key}`, { property });
    if (names.has(name)) {
      throw new TsociError(`netDevices.${key}: the container has a network device ${name} already`);
    }
    if (!isTemplate(name)) names.add(name);
    const index = indices.has(link.index) ? Math.max(...indices) + 1 : link.index;
    indices.add(index);
    return { link, name, index };
  });
}

/** "All permanent IP addresses (IFA_F_PERMANENT flag) of any family with global scope (RT_SCOPE_UNIVERSE value)". */
function isKept({ flags, scope }: InterfaceAddress): boolean {
  return (flags & IFA_F_PERMANENT) !== 0 && scope === RT_SCOPE_UNIVERSE;
}

interface Sockets {
  readonly outside: NetlinkSocket;
  readonly inside: NetlinkSocket;
}

function moveIn(
  { link, name, index }: Move,
  kept: readonly InterfaceAddress[],
  namespace: number,
  { outside, inside }: Sockets,
): void {
  const doing = `move the network device ${link.name} into the container`;
  const settings = { namespace, name, newIndex: index };
  outside.request(setLink(link.index, settings, name === link.name ? doing : `${doing} as ${name}`));
  const actual = isTemplate(name) ? nameAt(inside, index) : name;
  addAddresses(inside, kept, { index, from: link.name, name: actual });
  inside.request(setLink(index, { up: true }, `set the network device ${actual} of the container up`));
}

function moveBack(
  { link, index }: Move,
  kept: readonly InterfaceAddress[],
  home: number,
  { outside, inside }: Sockets,
): void {
  const { name, up } = link;
  const settings = { namespace: home, name, newIndex: link.index };
  inside.request(setLink(index, settings, `move the network device ${name} back`));
  addAddresses(outside, kept, { index: link.index, from: name, name });
  outside.request(setLink(link.index, { up }, `set the network device ${name} up again`));
}

/** The name that the kernel made of a template. */
function nameAt(socket: NetlinkSocket, index: number): string {
  return listLinks(socket).find((link) => link.index === index)?.name ?? '';
}

function addAddresses(socket: NetlinkSocket, kept: readonly InterfaceAddress[], target: Target): void {
  // The kernel lists IPv6 addresses with the newest first, others with the oldest first: the order decides which is
  // primary, and which a connection takes for its source.
  const [six, other] = [true, false].map((is6) => kept.filter(({ family }) => (family === AF_INET6) === is6));
  for (const address of [...(other ?? []), ...(six ?? []).reverse()]) {
    socket.request(createAddress(transplant(address, target), `keep an address of ${target.from}`));
  }
}

interface Target {
  readonly index: number;
  /** The device's name before and now. */
  readonly from: string;
  readonly name: string;
}

/** The same address on a device with another index and name: peer, broadcast, metric, lifetimes and all. */
export function transplant(address: InterfaceAddress, { index, from, name }: Target): NewAddress {
  const attributes = new Map<number, Uint8Array>(address.attributes);
  attributes.delete(IFA_FLAGS);
  const label = relabel(address.attributes.get(IFA_LABEL), from, name);
  if (label) attributes.set(IFA_LABEL, label);
  else attributes.delete(IFA_LABEL);
  const { family, prefix, scope } = address;
  return { index, family, prefix, scope, flags: address.flags & ~FOUND_FLAGS, attributes };
}

/** The label of an IPv4 address starts with the device's name (ip-address(8)): eth0, or eth0:1. */
function relabel(label: Buffer | undefined, from: string, name: string): Buffer | undefined {
  const text = label?.toString('latin1').replace(/\0.*$/, '');
  if (text === undefined) return undefined;
  const changed = text.startsWith(from) ? name + text.slice(from.length) : text;
  // Without one the kernel uses the device's name.
  return Buffer.byteLength(changed) < IFNAMSIZ ? Buffer.from(`${changed}\0`, 'utf8') : undefined;
}
