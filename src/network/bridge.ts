// The bridge of a network: made when its first container is attached, removed with its last.

import { AF_INET } from '../linux/constants.ts';
import { ENODEV } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import {
  createAddress,
  deleteAddress,
  type InterfaceAddress,
  listAddresses,
  plainAddress,
} from '../linux/netlink/ip-address.ts';
import { createBridge, deleteLink, findLink, type Link, listLinks, setLink } from '../linux/netlink/link.ts';
import { IFA_F_NODAD } from '../linux/netlink/netlink-constants.ts';
import type { NetlinkSocket } from '../linux/netlink/socket.ts';
import { type Address, addressFrom, bytesOf, formatAddress, lastAddress, sameAddress } from './ip.ts';
import { type Network, segmentsIn } from './leases.ts';
import type { Segment } from './network-options.ts';
import { ignoreRouterAdvertisements, trustOwnAddresses } from './network-sysctl.ts';

export function findBridge(routes: NetlinkSocket, name: string): Link | undefined {
  const link = findLink(routes, name);
  if (link && link.kind !== 'bridge') throw new TsociError(`the network device ${name} is no bridge`);
  return link;
}

/** Notes what there is to be made: the bridge itself, and its addresses. */
export function planBridge(network: Network, bridge: Link | undefined, present: readonly Address[]): Network {
  const gateways = segmentsIn(network).map(({ gateway }) => gateway);
  const segments = network.segments.map((record, i) => {
    const gateway = gateways[i];
    return gateway && present.some((address) => sameAddress(address, gateway))
      ? record
      : { ...record, added: true };
  });
  return { ...network, made: network.made || !bridge, segments };
}

/** The bridge, made if there is none, with the gateways' addresses, up. */
export function ensureBridge(
  routes: NetlinkSocket,
  name: string,
  network: Network,
  undo: DisposableStack,
): Link {
  const segments = segmentsIn(network);
  const bridge = findBridge(routes, name) ?? makeBridge(routes, name, segments[0]?.gateway, undo);
  const present = addressesOf(routes, bridge);
  for (const { gateway, subnet } of segments) {
    if (present.some((address) => sameAddress(address, gateway))) continue;
    addAddress(routes, bridge, { address: gateway, subnet });
    undo.defer(() => removeAddress(routes, bridge, gateway));
  }
  if (!bridge.up) routes.request(setLink(bridge.index, { up: true }, `set the bridge ${name} up`));
  return bridge;
}

function makeBridge(
  routes: NetlinkSocket,
  name: string,
  gateway: Address | undefined,
  undo: DisposableStack,
): Link {
  // Without an address of its own a bridge takes the least of its ports', and a gateway whose MAC address changes is
  // lost to its neighbours until their caches expire.
  routes.request(createBridge(name, { mac: gateway && macOf(gateway) }));
  undo.defer(() => deleteDevice(routes, name));
  ignoreRouterAdvertisements(name);
  trustOwnAddresses(name);
  const made = findBridge(routes, name);
  if (!made) throw new TsociError(`the bridge ${name} was removed by another program`);
  return made;
}

/** Takes back what was made for a network. A bridge to which others have added ports stays. */
export function removeBridge(routes: NetlinkSocket, name: string, network: Network): void {
  const bridge = findLink(routes, name);
  if (bridge?.kind !== 'bridge') return;
  const ports = listLinks(routes).filter(({ master }) => master === bridge.index);
  if (network.made && ports.length === 0) return deleteDevice(routes, name);
  network.segments.forEach(({ added }, i) => {
    const gateway = segmentsIn(network)[i]?.gateway;
    if (added && gateway) removeAddress(routes, bridge, gateway);
  });
}

/** Deletes a device, if there is one; of a pair both. */
export function deleteDevice(routes: NetlinkSocket, name: string): void {
  const link = findLink(routes, name);
  if (!link) return;
  try {
    routes.request(deleteLink(link.index, `delete the network device ${name}`));
  } catch (error) {
    // It went with its container in between.
    if (errnoOf(error) !== ENODEV) throw error;
  }
}

/** The addresses that a device has. */
export function addressesOf(routes: NetlinkSocket, device: Link): Address[] {
  return listAddresses(routes, device.index).flatMap((address) => addressFrom(address) ?? []);
}

/** Puts an address on a device, usable at once: leases see to it that there are no duplicates to look for. */
export function addAddress(
  routes: NetlinkSocket,
  device: Link,
  { address, subnet }: { address: Address; subnet: Segment['subnet'] },
): void {
  const { family } = address;
  const { prefix } = subnet;
  // A subnet of two addresses has no broadcasts (RFC 3021).
  const broadcast = family === AF_INET && prefix < 31 ? bytesOf(lastAddress(subnet)) : undefined;
  const plain = plainAddress(
    device.index,
    { bytes: bytesOf(address), prefix, broadcast },
    family,
    IFA_F_NODAD,
  );
  routes.request(createAddress(plain, `give ${device.name} the address ${formatAddress(address)}/${prefix}`));
}

function removeAddress(routes: NetlinkSocket, device: Link, address: Address): void {
  const isIt = (found: InterfaceAddress) => {
    const other = addressFrom(found);
    return other !== undefined && sameAddress(other, address);
  };
  const doing = `take the address ${formatAddress(address)} from ${device.name}`;
  for (const found of listAddresses(routes, device.index).filter(isIt))
    routes.request(deleteAddress(found, doing));
}

/**
 * A MAC address that follows from the IP address: who gets a freed IP address gets its MAC address too, and neighbours
 * that remember them are not misled. The first byte is that of locally administered addresses (IEEE 802).
 */
export function macOf(address: Address): Buffer {
  return Buffer.concat([Uint8Array.of(0x02, 0x74), bytesOf(address).subarray(-4)]);
}
