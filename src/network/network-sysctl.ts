// Kernel parameters of our own network namespace (ip-sysctl.rst of the kernel's documentation).

import { readFileSync, writeFileSync } from 'node:fs';
import { AF_INET } from '../linux/constants.ts';
import { ENOENT } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import type { Address } from './ip.ts';

/** Lets packets of a family be forwarded between devices. It stays on: others may have come to rely on it. */
export function enableForwarding(family: Address['family']): void {
  set(family === AF_INET ? 'ipv4/ip_forward' : 'ipv6/conf/all/forwarding', '1');
}

/** Whether packets from 127.0.0.1 may leave through the device, and packets to it come in. */
export function setRouteLocalnet(device: string, on: boolean): void {
  if (on) set(`ipv4/conf/${device}/route_localnet`, '1');
  else unlessMissing(() => set(`ipv4/conf/${device}/route_localnet`, '0'));
}

/** Has the host ignore router advertisements on the device: a container could send them (CVE-2020-13401). */
export function ignoreRouterAdvertisements(device: string): void {
  unlessMissing(() => set(`ipv6/conf/${device}/accept_ra`, '0'));
}

/**
 * Has the host use its own addresses on the device at once, the link-local one too. Until that one is checked for
 * duplicates the kernel asks for no neighbour's MAC address on behalf of what it forwards, and a container that was just
 * attached cannot be reached over IPv6 for a second or two.
 */
export function trustOwnAddresses(device: string): void {
  unlessMissing(() => set(`ipv6/conf/${device}/accept_dad`, '0'));
}

/** The device may be gone, or the kernel without IPv6. */
function unlessMissing(body: () => void): void {
  try {
    body();
  } catch (error) {
    if (errnoOf(error) !== ENOENT) throw error;
  }
}

/** Files under /proc/sys/net are those of the reader's network namespace (network_namespaces(7)). */
function set(parameter: string, value: string): void {
  const path = `/proc/sys/net/${parameter}`;
  try {
    // What is as wanted needs no write: /proc/sys may be read-only.
    if (readFileSync(path, 'utf8').trim() !== value) writeFileSync(path, value);
  } catch (error) {
    throw TsociError.from(`set ${path} to ${value}`, error);
  }
}
