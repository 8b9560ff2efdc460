// What `masquerade` and `publish` mean in nftables: one table a bridge, made anew from the leases whenever they change.
//
// The table is a function of the leases alone, and the kernel takes the new one for the old one in one step: there is
// nothing to add to and nothing to forget.

import { AF_INET } from '../linux/constants.ts';
import { AF_INET6, NETLINK_NETFILTER } from '../linux/netlink/netlink-constants.ts';
import { type Chain, type Rule, removeTable, replaceTable, type Table } from '../linux/netlink/nftables.ts';
import {
  NF_INET_LOCAL_OUT,
  NF_INET_POST_ROUTING,
  NF_INET_PRE_ROUTING,
  NF_IP_PRI_NAT_DST,
  NF_IP_PRI_NAT_SRC,
  NF_IP_PRI_RAW,
} from '../linux/netlink/nftables-constants.ts';
import {
  drop,
  fromAddress,
  fromOtherDevice,
  fromSubnet,
  jump,
  masquerade,
  notToAddress,
  ofFamily,
  ofProtocol,
  redirected,
  redirectTo,
  toAddress,
  toDevice,
  toOtherDevice,
  toPort,
  toSubnet,
  toThisHost,
} from '../linux/netlink/nftables-expressions.ts';
import { NetlinkSocket } from '../linux/netlink/socket.ts';
import {
  type Address,
  bytesOf,
  LOOPBACK6,
  parseAddress,
  parseSubnet,
  type Subnet,
  subnetMask,
} from './ip.ts';
import type { Lease, Network } from './leases.ts';
import { setRouteLocalnet } from './network-sysctl.ts';
import { PROTOCOLS, type Publication, parsePublication } from './publication.ts';

const LOOPBACK = parseSubnet('127.0.0.0/8');
const PUBLISH = 'publish';

const tableName = (bridge: string): string => `tsoci-${bridge}`;

/**
 * Makes the table of a network what its leases demand; where there is and was none, nftables is not touched. The guard
 * against CVE-2020-8558 is there before route_localnet is on, and until it is off again.
 */
export function applyFirewall(bridge: string, before: Network, after: Network): void {
  const table = tableOf(bridge, after);
  if (!table && !tableOf(bridge, before)) return;
  const guarded = isGuarded(after);
  if (!guarded && isGuarded(before)) setRouteLocalnet(bridge, false);
  const socket = NetlinkSocket.open(NETLINK_NETFILTER);
  try {
    if (table) replaceTable(socket, table);
    else removeTable(socket, tableName(bridge));
  } finally {
    socket.close();
  }
  if (guarded) setRouteLocalnet(bridge, true);
}

/** Whether a port of an IPv4 address is published. */
function isGuarded({ leases }: Network): boolean {
  return leases.flatMap(publications).some(({ target }) => target.family === AF_INET);
}

/** The table of a network; undefined if no lease needs one. */
function tableOf(bridge: string, network: Network): Table | undefined {
  const { leases } = network;
  const published = leases.flatMap(publications);
  const masked = leases.filter((lease) => lease.masquerade);
  if (published.length === 0 && masked.length === 0) return undefined;
  const subnets = network.segments.map(({ subnet }) => parseSubnet(subnet));
  const chains: Chain[] = [];
  if (published.length > 0) chains.push(...publishChains(published));
  if (isGuarded(network)) chains.push(guardChain());
  const hairpins = published.length > 0 ? hairpinRules(bridge, subnets) : [];
  const outbound = masked.flatMap((lease) => masqueradeRules(bridge, lease));
  chains.push({
    name: 'postrouting',
    hook: { type: 'nat', number: NF_INET_POST_ROUTING, priority: NF_IP_PRI_NAT_SRC },
    rules: [...hairpins, ...outbound],
  });
  return { name: tableName(bridge), chains };
}

interface Redirection extends Publication {
  readonly target: Address;
  readonly container: string;
}

/** A published port leads to the container's address of each family that it is published for. */
function publications({ container, publish, addresses }: Lease): Redirection[] {
  return publish.map(parsePublication).flatMap((publication) =>
    addresses
      .map(parseAddress)
      .filter(({ family }) => !publication.address || publication.address.family === family)
      .map((target) => ({ ...publication, target, container })),
  );
}

/** Connections to this host from outside, from containers, and from the host itself. */
function publishChains(published: readonly Redirection[]): Chain[] {
  const rules = [{ expressions: [...toThisHost(), ...jump(PUBLISH)] }];
  const type = 'nat';
  const priority = NF_IP_PRI_NAT_DST;
  return [
    { name: PUBLISH, rules: published.map(redirectionRule) },
    { name: 'prerouting', hook: { type, number: NF_INET_PRE_ROUTING, priority }, rules },
    { name: 'output', hook: { type, number: NF_INET_LOCAL_OUT, priority }, rules },
  ];
}

function redirectionRule({
  target,
  address,
  protocol,
  hostPort,
  containerPort,
  container,
}: Redirection): Rule {
  const { family } = target;
  // From ::1 there is no way out of the loopback device, and no route_localnet for IPv6.
  const notLoopback = family === AF_INET6 ? notToAddress(family, bytesOf(LOOPBACK6)) : [];
  return {
    expressions: [
      ...ofFamily(family),
      ...(address ? toAddress(family, bytesOf(address)) : notLoopback),
      ...ofProtocol(PROTOCOLS[protocol]),
      ...toPort(hostPort),
      ...redirectTo(family, bytesOf(target), containerPort),
    ],
    comment: container,
  };
}

/**
 * Published ports are reached from 127.0.0.1 too, for which the bridge has route_localnet. With it a container could send
 * packets to 127.0.0.1 of the host, and to what listens there only (CVE-2020-8558). And a redirection comes before the
 * kernel's own check: a port published at 127.0.0.1 would be open to the host's neighbours. So packets to it are
 * dropped unless they come from the host itself.
 */
function guardChain(): Chain {
  const { network } = LOOPBACK;
  const toLoopback = toSubnet(network.family, bytesOf(network), subnetMask(LOOPBACK));
  return {
    name: 'guard',
    hook: { type: 'filter', number: NF_INET_PRE_ROUTING, priority: NF_IP_PRI_RAW },
    rules: [{ expressions: [...fromOtherDevice('lo'), ...toLoopback, ...drop()] }],
  };
}

/**
 * A redirected connection that comes from the bridge's own subnet, or from 127.0.0.1, is given the bridge's address: its
 * answers would else go straight to the sender, who expects them from the host.
 */
function hairpinRules(bridge: string, subnets: readonly Subnet[]): Rule[] {
  const sources = subnets.some(({ network }) => network.family === AF_INET)
    ? [...subnets, LOOPBACK]
    : subnets;
  return sources.map((subnet) => ({
    expressions: [
      ...toDevice(bridge),
      ...fromSubnet(subnet.network.family, bytesOf(subnet.network), subnetMask(subnet)),
      ...redirected(),
      ...masquerade(),
    ],
  }));
}

/** What the container sends past the bridge bears the host's address. */
function masqueradeRules(bridge: string, { addresses, container }: Lease): Rule[] {
  return addresses.map(parseAddress).map((address) => ({
    expressions: [
      ...fromAddress(address.family, bytesOf(address)),
      ...toOtherDevice(bridge),
      ...masquerade(),
    ],
    comment: container,
  }));
}
