// IP addresses and subnets: text in, numbers inside, text out.

import { AF_INET } from '../linux/constants.ts';
import { TsociError } from '../linux/errors.ts';
import { AF_INET6 } from '../linux/netlink/netlink-constants.ts';

export interface Address {
  readonly family: typeof AF_INET | typeof AF_INET6;
  /** The address as an unsigned number of 32 or 128 bits. */
  readonly value: bigint;
}

export interface Subnet {
  /** Its first address: all bits behind the prefix are zero. */
  readonly network: Address;
  /** The length of the prefix in bits. */
  readonly prefix: number;
}

/** ::1 (RFC 4291, 2.5.3). */
export const LOOPBACK6: Address = { family: AF_INET6, value: 1n };

/** The number of bits of an address. */
function widthOf(family: Address['family']): number {
  return family === AF_INET ? 32 : 128;
}

/** An address in dotted decimal, or in one of the forms of RFC 4291, section 2.2. */
export function parseAddress(text: string): Address {
  const value = text.includes(':') ? parse6(text) : parse4(text);
  if (value === undefined) throw new TsociError(`${JSON.stringify(text)} is no IP address`);
  return { family: text.includes(':') ? AF_INET6 : AF_INET, value };
}

/** A subnet in CIDR notation, `10.89.0.0/24`. Bits behind the prefix must be zero. */
export function parseSubnet(text: string): Subnet {
  const [, base, digits] = /^(.+)\/(\d{1,3})$/.exec(text) ?? [];
  if (base === undefined || digits === undefined)
    throw new TsociError(`${JSON.stringify(text)} is no subnet: ADDRESS/PREFIX is expected`);
  const address = parseAddress(base);
  const prefix = Number(digits);
  const width = widthOf(address.family);
  if (prefix > width) throw new TsociError(`subnet ${text}: the prefix is longer than ${width} bits`);
  const network = { family: address.family, value: address.value & ~hostMask({ network: address, prefix }) };
  if (network.value !== address.value)
    throw new TsociError(
      `subnet ${text} has bits set behind its prefix; ${formatAddress(network)}/${prefix} is meant?`,
    );
  return { network, prefix };
}

/** The bits of an address that the subnet leaves to its hosts. */
function hostMask({ network: { family }, prefix }: Subnet): bigint {
  return (1n << BigInt(widthOf(family) - prefix)) - 1n;
}

export function contains(subnet: Subnet, { family, value }: Address): boolean {
  return family === subnet.network.family && (value & ~hostMask(subnet)) === subnet.network.value;
}

/** The last address: for IPv4 that of broadcasts. */
export function lastAddress(subnet: Subnet): Address {
  const { family, value } = subnet.network;
  return { family, value: value | hostMask(subnet) };
}

/**
 * The first and the last address that a host can have. IPv4 reserves the first and the last (RFC 1122, 3.2.1.3), unless
 * the subnet is of a point-to-point link (RFC 3021); IPv6 reserves the first, of the routers (RFC 4291, 2.6.1), with the
 * same exception (RFC 6164).
 */
export function hostRange(subnet: Subnet): { first: bigint; last: bigint } {
  const { family, value } = subnet.network;
  const last = lastAddress(subnet).value;
  if (last - value <= 1n) return { first: value, last };
  return { first: value + 1n, last: family === AF_INET ? last - 1n : last };
}

/** The mask of the prefix in network order: 255.255.255.0. */
export function subnetMask(subnet: Subnet): Buffer {
  const { family } = subnet.network;
  return bytesOf({ family, value: ((1n << BigInt(widthOf(family))) - 1n) & ~hostMask(subnet) });
}

/** The address in network order. */
export function bytesOf({ family, value }: Address): Buffer {
  return Buffer.from(value.toString(16).padStart(widthOf(family) / 4, '0'), 'hex');
}

/** The address in network order that a message of the kernel has; undefined for families that are not IP. */
export function addressFrom({ family, bytes }: { family: number; bytes: Buffer }): Address | undefined {
  if (family !== AF_INET && family !== AF_INET6) return undefined;
  return { family, value: BigInt(`0x${bytes.toString('hex')}`) };
}

export function sameAddress(a: Address, b: Address): boolean {
  return a.family === b.family && a.value === b.value;
}

/** Dotted decimal, or the one form of RFC 5952. */
export function formatAddress(address: Address): string {
  const bytes = bytesOf(address);
  if (address.family === AF_INET) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16)).join(':');
  // The longest run of two or more zero groups is left out, the first of several equal ones.
  const runs = [...groups.matchAll(/\b0(?::0)+\b/g)].map(([run]) => run);
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '');
  if (longest === '') return groups;
  const at = groups.search(new RegExp(`\\b${longest}\\b`));
  return `${groups.slice(0, at).replace(/:$/, '')}::${groups.slice(at + longest.length).replace(/^:/, '')}`;
}

export function formatSubnet({ network, prefix }: Subnet): string {
  return `${formatAddress(network)}/${prefix}`;
}

function parse4(text: string): bigint | undefined {
  const parts = text.split('.');
  // No leading zeros: inet_aton(3) takes them for octal.
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  return parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

function parse6(text: string): bigint | undefined {
  const dotted = /^(.*:)(\d+\.[\d.]+)$/.exec(text);
  const tail = dotted ? parse4(dotted[2] ?? '') : undefined;
  if (dotted && tail === undefined) return undefined;
  const words =
    tail === undefined
      ? text
      : `${dotted?.[1]}${(tail >> 16n).toString(16)}:${(tail & 0xffffn).toString(16)}`;
  const halves = words.split('::').map((half) => (half === '' ? [] : half.split(':')));
  const [head = [], rest] = halves;
  const missing = 8 - head.length - (rest?.length ?? 0);
  if (halves.length > 2 || (rest ? missing < 1 : missing !== 0)) return undefined;
  const groups = [...head, ...new Array<string>(missing).fill('0'), ...(rest ?? [])];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return groups.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}
