// Attributes of netlink messages: length, type, payload, padded to four bytes (netlink(7), linux/netlink.h).
//
// Integers are in the machine's order, which is little-endian on both of our architectures; nfnetlink's own are in
// network order.

import { NLA_F_NESTED, NLA_TYPE_MASK } from './netlink-constants.ts';

/** sizeof(struct nlattr). */
const HEADER_SIZE = 4;

/** NLMSG_ALIGN and NLA_ALIGN. */
export function align(length: number): number {
  return (length + 3) & ~3;
}

/** An attribute with its padding. */
export function attribute(type: number, payload: Uint8Array): Buffer {
  const length = HEADER_SIZE + payload.length;
  const encoded = Buffer.alloc(align(length));
  encoded.writeUInt16LE(length, 0);
  encoded.writeUInt16LE(type, 2);
  encoded.set(payload, HEADER_SIZE);
  return encoded;
}

export function nested(type: number, ...parts: readonly Uint8Array[]): Buffer {
  return attribute(type | NLA_F_NESTED, Buffer.concat(parts));
}

/** A NUL-terminated string. */
export function text(type: number, value: string): Buffer {
  return attribute(type, Buffer.from(`${value}\0`, 'utf8'));
}

export function u8(type: number, value: number): Buffer {
  return attribute(type, Uint8Array.of(value));
}

export function u32(type: number, value: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32LE(value);
  return attribute(type, payload);
}

/** A 32-bit integer in network order; negative ones in two's complement. */
export function be32(type: number, value: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(value >>> 0);
  return attribute(type, payload);
}

/** The attributes in `bytes` one by one. A malformed tail ends them, as nla_for_each_attr does. */
export function* attributesIn(bytes: Buffer): Generator<[type: number, payload: Buffer]> {
  for (let at = 0; at + HEADER_SIZE <= bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    if (length < HEADER_SIZE || at + length > bytes.length) return;
    yield [bytes.readUInt16LE(at + 2) & NLA_TYPE_MASK, bytes.subarray(at + HEADER_SIZE, at + length)];
    at += align(length);
  }
}

/** The attributes in `bytes` by type; of several of one type the last, as nla_parse does. */
export function attributeMap(bytes: Buffer): Map<number, Buffer> {
  return new Map(attributesIn(bytes));
}

/** The number of 32 bits in an attribute; undefined if it has not so many. */
export function u32Of(payload: Buffer | undefined): number | undefined {
  return payload !== undefined && payload.length >= 4 ? payload.readUInt32LE(0) : undefined;
}

/** The string in an attribute, up to its NUL. */
export function textOf(payload: Buffer): string {
  const end = payload.indexOf(0);
  return payload.toString('utf8', 0, end < 0 ? payload.length : end);
}
