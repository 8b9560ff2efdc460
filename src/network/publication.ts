// Published ports: `[ADDRESS:]HOST:CONTAINER[/PROTOCOL]`.

import { TsociError } from '../linux/errors.ts';
import { type Address, formatAddress, LOOPBACK6, parseAddress, sameAddress } from './ip.ts';

/** netinet/in.h: the protocols that have ports and that nftables translates. */
export const PROTOCOLS = { tcp: 6, udp: 17, sctp: 132 } as const;

export interface Publication {
  readonly protocol: keyof typeof PROTOCOLS;
  /** The address of the host at which it is reached; all of them unless given. */
  readonly address: Address | undefined;
  readonly hostPort: number;
  readonly containerPort: number;
}

/** An IPv6 address stands in brackets: `[fd00::1]:8080:80`. */
export function parsePublication(text: string): Publication {
  const match = /^(?:(?:\[([^\]]+)\]|([\d.]+)):)?(\d+):(\d+)(?:\/(\w+))?$/.exec(text);
  if (!match) throw problem(text, '[ADDRESS:]HOST:CONTAINER[/PROTOCOL] is expected');
  const [, six, four, host, container, protocol = 'tcp'] = match;
  if (!isProtocol(protocol))
    throw problem(text, `the protocol is none of ${Object.keys(PROTOCOLS).join(', ')}`);
  const literal = six ?? four;
  const address = literal === undefined ? undefined : parseAddress(literal);
  // IPv6 has no route_localnet: what is sent from ::1 cannot leave the loopback device.
  if (address && sameAddress(address, LOOPBACK6)) throw problem(text, 'a port of ::1 cannot be published');
  return {
    protocol,
    address,
    hostPort: port(text, host),
    containerPort: port(text, container),
  };
}

export function formatPublication({ protocol, address, hostPort, containerPort }: Publication): string {
  const ports = `${hostPort}:${containerPort}/${protocol}`;
  if (!address) return ports;
  const text = formatAddress(address);
  return text.includes(':') ? `[${text}]:${ports}` : `${text}:${ports}`;
}

/** Whether a packet could be meant for both. */
export function collide(a: Publication, b: Publication): boolean {
  const overlap = !a.address || !b.address || sameAddress(a.address, b.address);
  return a.protocol === b.protocol && a.hostPort === b.hostPort && overlap;
}

function isProtocol(text: string): text is keyof typeof PROTOCOLS {
  return Object.hasOwn(PROTOCOLS, text);
}

function port(text: string, digits: string | undefined): number {
  const value = Number(digits);
  if (value < 1 || value > 65535) throw problem(text, `${digits} is no port`);
  return value;
}

function problem(text: string, what: string): TsociError {
  return new TsociError(`publish ${JSON.stringify(text)}: ${what}`);
}
