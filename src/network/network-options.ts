// What a container's network is to be: read from settings, the same for `tsoci network attach`, for `--network` and for the
// annotation of a container.

import { TsociError } from '../linux/errors.ts';
import { nameProblem } from './interface-name.ts';
import {
  type Address,
  contains,
  formatAddress,
  formatSubnet,
  hostRange,
  parseAddress,
  parseSubnet,
  type Subnet,
} from './ip.ts';
import { formatPublication, type Publication, parsePublication } from './publication.ts';

/** A setting and its value, in the order given; those of lists come several times. */
export type Settings = readonly (readonly [name: string, value: string])[];

/** The annotation of a container that adds settings to those of the hook. */
export const ANNOTATION = 'org.tsoci.network';

export interface NetworkOptions {
  /** The bridge on the host. */
  readonly bridge: string;
  /** The device in the container. */
  readonly interface: string;
  /** At most one of each family; none: those that the network has, or DEFAULT_SUBNET. */
  readonly subnets: readonly Subnet[];
  /** The bridge's own addresses; a subnet without one has its first. */
  readonly gateways: readonly Address[];
  /** The container's addresses; a subnet without one gives the next free. */
  readonly addresses: readonly Address[];
  /** In bytes; the bridge's unless given. */
  readonly mtu: number | undefined;
  readonly mac: string | undefined;
  readonly masquerade: boolean;
  readonly publish: readonly Publication[];
}

/** What a network has when nobody says otherwise: of private use (RFC 1918). */
const DEFAULT_SUBNET = '10.89.0.0/24';
const DEFAULT_BRIDGE = 'tsoci0';
const DEFAULT_INTERFACE = 'eth0';

const SINGLE = ['bridge', 'interface', 'mtu', 'mac', 'masquerade'] as const;
const LISTS = ['subnet', 'gateway', 'ip', 'publish'] as const;
type Single = (typeof SINGLE)[number];
type List = (typeof LISTS)[number];

/** Reads `NAME=VALUE,NAME=VALUE,…`. A name alone is a flag. */
export function parseSettings(text: string): Settings {
  return text
    .split(',')
    .filter((part) => part.trim() !== '')
    .map((part) => {
      const equals = part.indexOf('=');
      const [name, value] = equals < 0 ? [part, 'true'] : [part.slice(0, equals), part.slice(equals + 1)];
      return [name.trim(), value.trim()] as const;
    });
}

/** The options that settings mean. Of a setting that is no list the last counts. */
export function readOptions(settings: Settings): NetworkOptions {
  const known: readonly string[] = [...SINGLE, ...LISTS];
  for (const [name] of settings) {
    if (!known.includes(name))
      throw new TsociError(`unknown network setting ${JSON.stringify(name)}: known are ${known.join(', ')}`);
  }
  const all = (name: List) => settings.filter((setting) => setting[0] === name).map(([, value]) => value);
  const last = (name: Single) => settings.findLast((setting) => setting[0] === name)?.[1];
  const options: NetworkOptions = {
    bridge: deviceName('bridge', last('bridge') ?? DEFAULT_BRIDGE),
    interface: deviceName('interface', last('interface') ?? DEFAULT_INTERFACE),
    subnets: all('subnet').map(parseSubnet),
    gateways: all('gateway').map(parseAddress),
    addresses: all('ip').map(parseAddress),
    mtu: mtu(last('mtu')),
    mac: mac(last('mac')),
    masquerade: flag('masquerade', last('masquerade')),
    publish: all('publish').map(parsePublication),
  };
  return options;
}

/** The settings that mean these options, in one order: equal options give equal text. */
export function formatOptions(options: NetworkOptions): string {
  const { bridge, subnets, gateways, addresses, mtu, mac, masquerade, publish } = options;
  const settings: (readonly [name: string, value: string | number])[] = [
    ['bridge', bridge],
    ['interface', options.interface],
    ...subnets.map((subnet) => ['subnet', formatSubnet(subnet)] as const),
    ...gateways.map((gateway) => ['gateway', formatAddress(gateway)] as const),
    ...addresses.map((address) => ['ip', formatAddress(address)] as const),
    ...(mtu === undefined ? [] : [['mtu', mtu] as const]),
    ...(mac === undefined ? [] : [['mac', mac] as const]),
    ...(masquerade ? [['masquerade', 'true'] as const] : []),
    ...publish.map((publication) => ['publish', formatPublication(publication)] as const),
  ];
  return settings.map(([name, value]) => `${name}=${value}`).join(',');
}

/** A network's subnet with the address that the bridge has in it. */
export interface Segment {
  readonly subnet: Subnet;
  readonly gateway: Address;
}

/**
 * The segments that a container is attached to. `existing` are the network's; they are taken when the options name no
 * subnet, and give the gateway of a subnet that the network has already.
 */
export function segmentsOf(options: NetworkOptions, existing: readonly Segment[]): Segment[] {
  const named: readonly Segment[] =
    options.subnets.length > 0
      ? options.subnets.map((subnet) => segment(subnet, options.gateways, existing))
      : existing.length > 0
        ? existing
        : [segment(parseSubnet(DEFAULT_SUBNET), options.gateways, [])];
  const families = new Set(named.map(({ subnet }) => subnet.network.family));
  if (families.size < named.length)
    throw new TsociError('a container can have one IPv4 subnet and one IPv6 subnet, not several of a family');
  for (const gateway of options.gateways) {
    if (!named.some((each) => contains(each.subnet, gateway)))
      throw new TsociError(`gateway ${formatAddress(gateway)} is in none of ${list(named)}`);
  }
  for (const address of options.addresses) {
    if (!named.some((each) => contains(each.subnet, address)))
      throw new TsociError(`ip ${formatAddress(address)} is in none of ${list(named)}`);
  }
  return [...named];
}

const list = (segments: readonly Segment[]) => segments.map(({ subnet }) => formatSubnet(subnet)).join(', ');

function segment(subnet: Subnet, gateways: readonly Address[], existing: readonly Segment[]): Segment {
  const { first, last } = hostRange(subnet);
  if (first === last) throw new TsociError(`subnet ${formatSubnet(subnet)} has room for one address only`);
  const given = gateways.find((gateway) => contains(subnet, gateway));
  const same = existing.find((each) => formatSubnet(each.subnet) === formatSubnet(subnet));
  return { subnet, gateway: given ?? same?.gateway ?? { family: subnet.network.family, value: first } };
}

function deviceName(setting: string, name: string): string {
  const problem = nameProblem(name);
  if (problem || name.includes('%'))
    throw new TsociError(`network ${setting}: the name ${JSON.stringify(name)} ${problem ?? 'contains a %'}`);
  return name;
}

function mtu(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : 0;
  // ETH_MIN_MTU and ETH_MAX_MTU of linux/if_ether.h, the bounds of a veth.
  if (value < 68 || value > 65535) throw new TsociError(`network mtu: ${text} is not between 68 and 65535`);
  return value;
}

function mac(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text))
    throw new TsociError(`network mac: ${JSON.stringify(text)} is not six bytes as in 02:00:0a:59:00:02`);
  // The first bit on the wire marks groups (IEEE 802).
  if (Number.parseInt(text.slice(0, 2), 16) & 1)
    throw new TsociError(`network mac: ${text} is the address of a group, not of one device`);
  return text.toLowerCase();
}

function flag(setting: string, text: string | undefined): boolean {
  if (text === undefined || text === 'false') return false;
  if (text === 'true' || text === '') return true;
  throw new TsociError(`network ${setting}: expected true or false, not ${JSON.stringify(text)}`);
}
