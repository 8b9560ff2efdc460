// `tsoci network attach`: a pair of devices between the container and a bridge, with all that makes it a network.
//
// The order is that of safety: what will be made is written to the record first, then made, then marked as complete. A
// failure takes everything back. A process that is killed half way leaves a lease whose device vanishes with the
// container, and which the next attachment reclaims.

import type { Caller } from '../launcher/caller.ts';
import { AF_INET } from '../linux/constants.ts';
import { EEXIST } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import { createVeth, findLink, type Link, listLinks, setLink } from '../linux/netlink/link.ts';
import { IFALIASZ } from '../linux/netlink/netlink-constants.ts';
import { createDefaultRoute } from '../linux/netlink/route.ts';
import type { NetlinkSocket } from '../linux/netlink/socket.ts';
import { randomUuid } from '../linux/random.ts';
import { undoable } from '../linux/undo.ts';
import {
  addAddress,
  addressesOf,
  deleteDevice,
  ensureBridge,
  findBridge,
  macOf,
  planBridge,
} from './bridge.ts';
import { applyFirewall } from './firewall.ts';
import type { HookState } from './hook-state.ts';
import { type Address, bytesOf, formatAddress } from './ip.ts';
import {
  checkPublications,
  chooseAddresses,
  type Holder,
  holderOf,
  isHolder,
  type Lease,
  type Network,
  type Networks,
  NO_NETWORK,
  segmentsIn,
  withLast,
  withLease,
  withNetwork,
  withoutLease,
  withoutStale,
  withSegments,
} from './leases.ts';
import { isOwnNamespace, withNamespace, withRoutes, withRoutesIn } from './namespace.ts';
import { formatOptions, type NetworkOptions, type Segment, segmentsOf } from './network-options.ts';
import { type Store, withStore } from './network-store.ts';
import { enableForwarding } from './network-sysctl.ts';
import { formatPublication } from './publication.ts';
import { settle } from './settle.ts';

/** What an attachment decided. */
interface Plan {
  readonly networks: Networks;
  readonly before: Network;
  /** With the new lease, not yet complete. */
  readonly after: Network;
  readonly lease: Lease;
  readonly segments: readonly Segment[];
  readonly addresses: readonly Address[];
}

interface Sockets {
  readonly outside: NetlinkSocket;
  readonly inside: NetlinkSocket;
}

/**
 * Attaches a container's network namespace to a bridge of ours. Doing it again with the same options changes nothing, with
 * others it is made anew. `directory` holds the record of leases.
 */
export function attach(
  caller: Pick<Caller, 'launcher' | 'stdio'>,
  state: HookState,
  options: NetworkOptions,
  directory: string,
): void {
  if (state.pid === 0) throw new TsociError(`container ${state.id} has no process to attach`);
  withNamespace(`/proc/${state.pid}/ns/net`, (namespace) => {
    if (isOwnNamespace(namespace))
      throw new TsociError(`container ${state.id} has no network namespace of its own to attach`);
    // The socket inside takes a process to make: have it before others wait for us.
    withRoutesIn(caller, namespace, (inside) =>
      withRoutes((outside) =>
        withStore(directory, (store) => attachLocked(state, options, namespace, store, { outside, inside })),
      ),
    );
  });
}

function attachLocked(
  state: HookState,
  options: NetworkOptions,
  namespace: number,
  store: Store,
  sockets: Sockets,
): void {
  const { outside, inside } = sockets;
  const holder = holderOf(state, options.interface);
  const networks = store.read();
  const devices = new Set(listLinks(outside).map(({ name }) => name));
  const recorded = networks[options.bridge] ?? NO_NETWORK;
  const current = withoutStale(recorded, devices);
  const old = current.leases.find((lease) => isHolder(lease, holder));
  if (old && isIntact(old, options, sockets)) return;
  if (findLink(inside, options.interface) && !old)
    throw new TsociError(`container ${state.id} has a network device ${options.interface} already`);
  if (old) deleteDevice(outside, old.device);
  const before = withoutLease(current, holder);
  undoable((undo) => {
    undo.defer(() => settle(options.bridge, { networks, recorded, rest: before }, store, outside));
    const plan = planAttachment({ networks, before, devices, holder, options, outside });
    store.write(withNetwork(networks, options.bridge, plan.after));
    connect(plan, options, namespace, sockets, undo);
    undo.defer(() => applyFirewall(options.bridge, plan.after, before));
    applyFirewall(options.bridge, recorded, plan.after);
    const lease = { ...plan.lease, complete: true };
    store.write(withNetwork(networks, options.bridge, withLease(withoutLease(plan.after, holder), lease)));
  });
}

/** Whether a lease was made by the same options and its two devices are still each other's peer. */
function isIntact(lease: Lease, options: NetworkOptions, { outside, inside }: Sockets): boolean {
  if (!lease.complete || lease.options !== formatOptions(options)) return false;
  const [out, inner] = [findLink(outside, lease.device), findLink(inside, lease.interface)];
  return out !== undefined && inner?.kind === 'veth' && inner.peer === out.index && out.peer === inner.index;
}

function planAttachment({
  networks,
  before,
  devices,
  holder,
  options,
  outside,
}: {
  networks: Networks;
  before: Network;
  devices: ReadonlySet<string>;
  holder: Holder;
  options: NetworkOptions;
  outside: NetlinkSocket;
}): Plan {
  const segments = segmentsOf(options, segmentsIn(before));
  const bridge = findBridge(outside, options.bridge);
  const present = bridge ? addressesOf(outside, bridge) : [];
  const network = planBridge(withSegments(before, segments), bridge, present);
  const addresses = chooseAddresses(network, segments, options.addresses, present);
  for (const publication of options.publish) {
    const { address } = publication;
    if (address && !addresses.some(({ family }) => family === address.family))
      throw new TsociError(
        `publish ${formatPublication(publication)}: the container has no address of this family`,
      );
  }
  checkPublications(options.publish, withNetwork(networks, options.bridge, before), devices);
  const lease: Lease = {
    ...holder,
    device: `veth${randomUuid().slice(0, 8)}`,
    addresses: addresses.map(formatAddress),
    masquerade: options.masquerade,
    publish: options.publish.map(formatPublication),
    options: formatOptions(options),
    complete: false,
  };
  return {
    networks,
    before,
    after: withLast(withLease(network, lease), addresses, options.addresses),
    lease,
    segments,
    addresses,
  };
}

function connect(
  { after, lease, segments, addresses }: Plan,
  options: NetworkOptions,
  namespace: number,
  { outside, inside }: Sockets,
  undo: DisposableStack,
): void {
  const bridge = ensureBridge(outside, options.bridge, after, undo);
  const mtu = options.mtu ?? bridge.mtu;
  const mac = macBytes(options.mac) ?? derivedMac(addresses);
  const { device, container } = lease;
  const peer = { name: options.interface, namespace, mtu, mac };
  outside.request(createVeth(device, { up: true, master: bridge.index, mtu }, peer));
  undo.defer(() => deleteDevice(outside, device));
  const alias = `${options.interface} of ${container}`.slice(0, IFALIASZ - 1);
  // With br_netfilter a container that asks for its own published port is redirected within the bridge.
  const port = { alias, hairpin: options.publish.length > 0 };
  outside.request(setLink(found(outside, device).index, port, `set up the port ${device} of ${bridge.name}`));
  setUpInside(inside, options.interface, segments, addresses);
  if (options.masquerade || options.publish.length > 0)
    for (const { family } of addresses) enableForwarding(family);
}

/** Addresses first: IPv6 takes none before the device is up as it is, and routes demand that it is up. */
function setUpInside(
  inside: NetlinkSocket,
  name: string,
  segments: readonly Segment[],
  addresses: readonly Address[],
): void {
  const device = found(inside, name);
  segments.forEach(({ subnet }, i) => {
    const address = addresses[i];
    if (address) addAddress(inside, device, { address, subnet });
  });
  inside.request(setLink(found(inside, 'lo').index, { up: true }, 'set lo of the container up'));
  inside.request(setLink(device.index, { up: true }, `set ${name} of the container up`));
  for (const { gateway } of segments) {
    const doing = `make the container's default route by ${formatAddress(gateway)}`;
    try {
      inside.request(createDefaultRoute(gateway.family, bytesOf(gateway), device.index, doing));
    } catch (error) {
      // A container that is in several networks has its default route by the first.
      if (errnoOf(error) !== EEXIST) throw error;
    }
  }
}

function found(socket: NetlinkSocket, name: string): Link {
  const link = findLink(socket, name);
  if (!link) throw new TsociError(`the network device ${name} was removed by another program`);
  return link;
}

function macBytes(mac: string | undefined): Uint8Array | undefined {
  return mac === undefined ? undefined : Buffer.from(mac.replaceAll(':', ''), 'hex');
}

/** Only an IPv4 address is unique in 32 bits; without one the kernel takes a MAC address at random. */
function derivedMac(addresses: readonly Address[]): Uint8Array | undefined {
  const four = addresses.find(({ family }) => family === AF_INET);
  return four && macOf(four);
}
