// What is left of a network when leases end.

import type { NetlinkSocket } from '../linux/netlink/socket.ts';
import { removeBridge } from './bridge.ts';
import { applyFirewall } from './firewall.ts';
import { type Network, type Networks, withNetwork } from './leases.ts';
import type { Store } from './network-store.ts';

export interface Ending {
  readonly networks: Networks;
  /** The network as it was recorded. */
  readonly recorded: Network;
  /** The network without the leases that end. */
  readonly rest: Network;
}

/** Makes rules, bridge and record what the remaining leases demand; with the last lease goes the bridge. */
export function settle(
  bridge: string,
  { networks, recorded, rest }: Ending,
  store: Store,
  routes: NetlinkSocket,
): void {
  // The rules first: they name addresses that the next container may get.
  applyFirewall(bridge, recorded, rest);
  if (rest.leases.length === 0) removeBridge(routes, bridge, recorded);
  store.write(withNetwork(networks, bridge, rest));
}
