// `tsoci network detach`: takes back what attach made. The container, its process and its namespace may be gone.

import { listLinks } from '../linux/netlink/link.ts';
import { deleteDevice } from './bridge.ts';
import type { HookState } from './hook-state.ts';
import { holderOf, isHolder, NO_NETWORK, withoutLease, withoutStale } from './leases.ts';
import { withRoutes } from './namespace.ts';
import type { NetworkOptions } from './network-options.ts';
import { withStore } from './network-store.ts';
import { settle } from './settle.ts';

/** Releases the container's lease on the bridge. Not attached is no error. */
export function detach(
  state: HookState,
  { bridge, interface: device }: NetworkOptions,
  directory: string,
): void {
  withRoutes((routes) =>
    withStore(directory, (store) => {
      const networks = store.read();
      const recorded = networks[bridge] ?? NO_NETWORK;
      const holder = holderOf(state, device);
      const lease = recorded.leases.find((each) => isHolder(each, holder));
      if (lease) deleteDevice(routes, lease.device);
      const devices = new Set(listLinks(routes).map(({ name }) => name));
      const rest = withoutStale(withoutLease(recorded, holder), devices);
      if (rest.leases.length < recorded.leases.length)
        settle(bridge, { networks, recorded, rest }, store, routes);
    }),
  );
}
