// What `tsoci network list` tells: the leases of all networks.

import type { Networks } from './leases.ts';

export interface ListedLease {
  readonly bridge: string;
  readonly container: string;
  readonly interface: string;
  /** The host's end of the pair. */
  readonly device: string;
  readonly addresses: readonly string[];
  readonly publish: readonly string[];
}

export function listLeases(networks: Networks): ListedLease[] {
  return Object.entries(networks).flatMap(([bridge, { leases }]) =>
    leases.map(({ container, interface: inside, device, addresses, publish }) => {
      return { bridge, container, interface: inside, device, addresses, publish };
    }),
  );
}
