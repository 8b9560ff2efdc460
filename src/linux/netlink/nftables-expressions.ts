// Expressions of nftables rules: each loads a register, compares one, or decides (linux/netfilter/nf_tables.h).
//
// A match is a load and a comparison; the words of nft(8) for it stand in its comment.

import { AF_INET } from '../constants.ts';
import { attribute, be32, nested, text } from './attributes.ts';
import { IFNAMSIZ, RTN_LOCAL } from './netlink-constants.ts';
import type { Expression } from './nftables.ts';
import * as nft from './nftables-constants.ts';

function expression(name: string, ...attributes: readonly Buffer[]): Expression {
  return Buffer.concat([text(nft.NFTA_EXPR_NAME, name), nested(nft.NFTA_EXPR_DATA, ...attributes)]);
}

const value = (type: number, bytes: Uint8Array) => nested(type, attribute(nft.NFTA_DATA_VALUE, bytes));

function compare(operator: number, bytes: Uint8Array): Expression {
  return expression(
    'cmp',
    be32(nft.NFTA_CMP_SREG, nft.NFT_REG_1),
    be32(nft.NFTA_CMP_OP, operator),
    value(nft.NFTA_CMP_DATA, bytes),
  );
}

const equals = (bytes: Uint8Array) => compare(nft.NFT_CMP_EQ, bytes);
const differs = (bytes: Uint8Array) => compare(nft.NFT_CMP_NEQ, bytes);

function meta(key: number): Expression {
  return expression('meta', be32(nft.NFTA_META_DREG, nft.NFT_REG_1), be32(nft.NFTA_META_KEY, key));
}

function payload(base: number, offset: number, length: number): Expression {
  return expression(
    'payload',
    be32(nft.NFTA_PAYLOAD_DREG, nft.NFT_REG_1),
    be32(nft.NFTA_PAYLOAD_BASE, base),
    be32(nft.NFTA_PAYLOAD_OFFSET, offset),
    be32(nft.NFTA_PAYLOAD_LEN, length),
  );
}

/** register 1 &= mask */
function and(mask: Uint8Array): Expression {
  return expression(
    'bitwise',
    be32(nft.NFTA_BITWISE_SREG, nft.NFT_REG_1),
    be32(nft.NFTA_BITWISE_DREG, nft.NFT_REG_1),
    be32(nft.NFTA_BITWISE_LEN, mask.length),
    value(nft.NFTA_BITWISE_MASK, mask),
    value(nft.NFTA_BITWISE_XOR, new Uint8Array(mask.length)),
  );
}

/** A 32-bit number in the machine's order, as the kernel keeps those that are no part of a packet. */
function native(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(number);
  return bytes;
}

function deviceName(name: string): Buffer {
  const bytes = Buffer.alloc(IFNAMSIZ);
  bytes.write(name);
  return bytes;
}

/** `iifname != NAME` */
export const fromOtherDevice = (name: string): Expression[] => [
  meta(nft.NFT_META_IIFNAME),
  differs(deviceName(name)),
];

/** `oifname NAME` */
export const toDevice = (name: string): Expression[] => [
  meta(nft.NFT_META_OIFNAME),
  equals(deviceName(name)),
];

/** `oifname != NAME` */
export const toOtherDevice = (name: string): Expression[] => [
  meta(nft.NFT_META_OIFNAME),
  differs(deviceName(name)),
];

/** `meta nfproto ipv4` or `ipv6`: NFPROTO_IPV4 and NFPROTO_IPV6 are AF_INET and AF_INET6. */
export const ofFamily = (family: number): Expression[] => [
  meta(nft.NFT_META_NFPROTO),
  equals(Uint8Array.of(family)),
];

/** `meta l4proto PROTOCOL` */
export const ofProtocol = (protocol: number): Expression[] => [
  meta(nft.NFT_META_L4PROTO),
  equals(Uint8Array.of(protocol)),
];

/** Offsets in the network header: IPv4 12 and 16 (RFC 791), IPv6 8 and 24 (RFC 8200). */
function addressField(family: number, which: 'source' | 'destination'): Expression {
  const length = family === AF_INET ? 4 : 16;
  const source = family === AF_INET ? 12 : 8;
  const offset = which === 'source' ? source : source + length;
  return payload(nft.NFT_PAYLOAD_NETWORK_HEADER, offset, length);
}

/** `ip saddr ADDRESS` or `ip6 saddr ADDRESS`, with the match of the family. */
export const fromAddress = (family: number, address: Uint8Array): Expression[] => [
  ...ofFamily(family),
  addressField(family, 'source'),
  equals(address),
];

/** `ip saddr NETWORK/PREFIX`, given as the mask of the prefix. */
export const fromSubnet = (family: number, network: Uint8Array, mask: Uint8Array): Expression[] => [
  ...ofFamily(family),
  addressField(family, 'source'),
  and(mask),
  equals(network),
];

/** `ip daddr NETWORK/PREFIX`, given as the mask of the prefix. */
export const toSubnet = (family: number, network: Uint8Array, mask: Uint8Array): Expression[] => [
  ...ofFamily(family),
  addressField(family, 'destination'),
  and(mask),
  equals(network),
];

/** `ip daddr ADDRESS`, after a match of the family. */
export const toAddress = (family: number, address: Uint8Array): Expression[] => [
  addressField(family, 'destination'),
  equals(address),
];

/** `ip6 daddr != ADDRESS`, after a match of the family. */
export const notToAddress = (family: number, address: Uint8Array): Expression[] => [
  addressField(family, 'destination'),
  differs(address),
];

/** `th dport PORT`: two bytes in, in TCP, UDP and SCTP alike. */
export const toPort = (port: number): Expression[] => [
  payload(nft.NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2),
  equals(portBytes(port)),
];

function portBytes(port: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(port);
  return bytes;
}

/** `fib daddr type local`: the destination is an address of this host. */
export const toThisHost = (): Expression[] => [
  expression(
    'fib',
    be32(nft.NFTA_FIB_DREG, nft.NFT_REG_1),
    be32(nft.NFTA_FIB_RESULT, nft.NFT_FIB_RESULT_ADDRTYPE),
    be32(nft.NFTA_FIB_FLAGS, nft.NFTA_FIB_F_DADDR),
  ),
  equals(native(RTN_LOCAL)),
];

/** `ct status dnat`: the connection's destination was translated. */
export const redirected = (): Expression[] => [
  expression('ct', be32(nft.NFTA_CT_DREG, nft.NFT_REG_1), be32(nft.NFTA_CT_KEY, nft.NFT_CT_STATUS)),
  and(native(nft.IPS_DST_NAT)),
  differs(native(0)),
];

function verdict(...attributes: readonly Buffer[]): Expression {
  return expression(
    'immediate',
    be32(nft.NFTA_IMMEDIATE_DREG, nft.NFT_REG_VERDICT),
    nested(nft.NFTA_IMMEDIATE_DATA, nested(nft.NFTA_DATA_VERDICT, ...attributes)),
  );
}

/** `drop` */
export const drop = (): Expression[] => [verdict(be32(nft.NFTA_VERDICT_CODE, nft.NF_DROP))];

/** `jump CHAIN` */
export const jump = (chain: string): Expression[] => [
  verdict(be32(nft.NFTA_VERDICT_CODE, nft.NFT_JUMP), text(nft.NFTA_VERDICT_CHAIN, chain)),
];

/** `masquerade` */
export const masquerade = (): Expression[] => [expression('masq')];

/** `dnat to ADDRESS:PORT` */
export const redirectTo = (family: number, address: Uint8Array, port: number): Expression[] => [
  immediate(nft.NFT_REG_1, address),
  immediate(nft.NFT_REG_2, portBytes(port)),
  expression(
    'nat',
    be32(nft.NFTA_NAT_TYPE, nft.NFT_NAT_DNAT),
    be32(nft.NFTA_NAT_FAMILY, family),
    be32(nft.NFTA_NAT_REG_ADDR_MIN, nft.NFT_REG_1),
    be32(nft.NFTA_NAT_REG_PROTO_MIN, nft.NFT_REG_2),
  ),
];

function immediate(register: number, bytes: Uint8Array): Expression {
  return expression(
    'immediate',
    be32(nft.NFTA_IMMEDIATE_DREG, register),
    value(nft.NFTA_IMMEDIATE_DATA, bytes),
  );
}
