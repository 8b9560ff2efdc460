// Who has which address. Pure: the record of a host's networks in, decisions out.

import { TsociError } from '../linux/errors.ts';
import type { HookState } from './hook-state.ts';
import {
  type Address,
  contains,
  formatAddress,
  formatSubnet,
  hostRange,
  parseAddress,
  parseSubnet,
  type Subnet,
  sameAddress,
} from './ip.ts';
import type { Segment } from './network-options.ts';
import { collide, formatPublication, type Publication, parsePublication } from './publication.ts';

/** Whose lease it is. The bundle tells containers of one id in different runtimes apart. */
export interface Holder {
  readonly container: string;
  readonly bundle: string;
  /** The device in the container. */
  readonly interface: string;
}

export interface Lease extends Holder {
  /** The host's end of the pair. While it exists the lease is in use: it vanishes with the container's namespace. */
  readonly device: string;
  readonly addresses: readonly string[];
  readonly masquerade: boolean;
  readonly publish: readonly string[];
  /** The options that it was made by (formatOptions). */
  readonly options: string;
  /** Whether the attachment was finished. */
  readonly complete: boolean;
}

export interface SegmentRecord {
  readonly subnet: string;
  readonly gateway: string;
  /** Whether the gateway's address was put on the bridge by us. */
  readonly added: boolean;
  /** The address given last: the next one follows it, so that a freed address rests before it is used again. */
  readonly last: string;
}

export interface Network {
  /** Whether the bridge was made by us. */
  readonly made: boolean;
  readonly segments: readonly SegmentRecord[];
  readonly leases: readonly Lease[];
}

/** The networks of a host by their bridges. */
export type Networks = Readonly<Record<string, Network>>;

export const NO_NETWORK: Network = { made: false, segments: [], leases: [] };

export function holderOf({ id, bundle }: HookState, device: string): Holder {
  return { container: id, bundle, interface: device };
}

export function isHolder(lease: Lease, { container, bundle, interface: device }: Holder): boolean {
  return lease.container === container && lease.bundle === bundle && lease.interface === device;
}

export function segmentsIn({ segments }: Network): Segment[] {
  return segments.map(({ subnet, gateway }) => ({
    subnet: parseSubnet(subnet),
    gateway: parseAddress(gateway),
  }));
}

/** The network with one more lease. */
export function withLease(network: Network, lease: Lease): Network {
  return { ...network, leases: [...network.leases, lease] };
}

export function withoutLease(network: Network, holder: Holder): Network {
  return { ...network, leases: network.leases.filter((lease) => !isHolder(lease, holder)) };
}

/** The network without leases whose device is gone: their containers died and nobody detached them. */
export function withoutStale(network: Network, devices: ReadonlySet<string>): Network {
  return { ...network, leases: network.leases.filter(({ device }) => devices.has(device)) };
}

/** The networks with that one in its place; one that nobody uses is forgotten. */
export function withNetwork(networks: Networks, bridge: string, network: Network): Networks {
  const { [bridge]: _, ...others } = networks;
  return network.leases.length === 0 ? others : { ...others, [bridge]: network };
}

/**
 * The network with these segments, which may be there already. A subnet that overlaps another one of the network is
 * refused: two gateways would claim the same addresses.
 */
export function withSegments(network: Network, segments: readonly Segment[]): Network {
  const known = segmentsIn(network);
  const added: SegmentRecord[] = [];
  for (const { subnet, gateway } of segments) {
    const text = formatSubnet(subnet);
    const same = network.segments.find((record) => record.subnet === text);
    if (same && same.gateway !== formatAddress(gateway))
      throw new TsociError(
        `subnet ${text} has the gateway ${same.gateway} already, not ${formatAddress(gateway)}`,
      );
    const overlap = known.find((each) => overlaps(each.subnet, subnet));
    if (!same && overlap)
      throw new TsociError(`subnet ${text} overlaps ${formatSubnet(overlap.subnet)} of the same bridge`);
    const fresh = { subnet: text, gateway: formatAddress(gateway), added: false };
    if (!same) added.push({ ...fresh, last: fresh.gateway });
  }
  return { ...network, segments: [...network.segments, ...added] };
}

function overlaps(a: Subnet, b: Subnet): boolean {
  return contains(a, b.network) || contains(b, a.network);
}

/**
 * An address in each segment: the wanted one, else the next free one behind the last given. `occupied` are addresses that
 * nobody leased and that are in use all the same: those of the bridge.
 */
export function chooseAddresses(
  network: Network,
  segments: readonly Segment[],
  wanted: readonly Address[],
  occupied: readonly Address[],
): Address[] {
  const leased = network.leases.flatMap(({ addresses }) => addresses.map(parseAddress));
  const taken = [...leased, ...occupied, ...segments.map(({ gateway }) => gateway)];
  return segments.map(({ subnet }) => {
    const asked = wanted.find((address) => contains(subnet, address));
    if (!asked) return nextFree(network, subnet, taken);
    const text = formatAddress(asked);
    const { first, last } = hostRange(subnet);
    if (asked.value < first || asked.value > last)
      throw new TsociError(`ip ${text} is reserved in ${formatSubnet(subnet)}`);
    if (taken.some((address) => sameAddress(address, asked)))
      throw new TsociError(`ip ${text} is in use${userOf(network, text)}`);
    return asked;
  });
}

function userOf({ leases }: Network, address: string): string {
  const lease = leases.find(({ addresses }) => addresses.includes(address));
  return lease ? ` by container ${lease.container}` : ' on the host';
}

function nextFree(network: Network, subnet: Subnet, taken: readonly Address[]): Address {
  const { family } = subnet.network;
  const used = new Set(taken.filter((address) => address.family === family).map(({ value }) => value));
  const { first, last } = hostRange(subnet);
  const record = network.segments.find(({ subnet: text }) => text === formatSubnet(subnet));
  let value = record ? parseAddress(record.last).value : first;
  // Among as many candidates as are in use, and one more, one is free; unless the subnet has no more.
  for (let tries = 0; tries <= used.size; tries++) {
    value = value >= last || value < first ? first : value + 1n;
    if (!used.has(value)) return { family, value };
  }
  throw new TsociError(`all addresses of ${formatSubnet(subnet)} are in use`);
}

/** The network after `addresses` were given to somebody who wanted `wanted`: what was asked for is not counted. */
export function withLast(
  network: Network,
  addresses: readonly Address[],
  wanted: readonly Address[],
): Network {
  const chosen = addresses.filter((address) => !wanted.some((asked) => sameAddress(asked, address)));
  const segments = network.segments.map((record) => {
    const given = chosen.find((address) => contains(parseSubnet(record.subnet), address));
    return given ? { ...record, last: formatAddress(given) } : record;
  });
  return { ...network, segments };
}

/** Throws if one of the ports is published by another lease, on whatever bridge. */
export function checkPublications(
  publish: readonly Publication[],
  networks: Networks,
  devices: ReadonlySet<string>,
): void {
  const leases = Object.values(networks).flatMap((network) => withoutStale(network, devices).leases);
  publish.forEach((wanted, i) => {
    const text = formatPublication(wanted);
    if (publish.slice(0, i).some((other) => collide(other, wanted)))
      throw new TsociError(`publish ${text}: the port of the host is published twice`);
    for (const { container, publish: others } of leases) {
      if (others.some((other) => collide(parsePublication(other), wanted)))
        throw new TsociError(`publish ${text}: the port of the host is published by container ${container}`);
    }
  });
}
