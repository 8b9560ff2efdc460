// Messages of netlink(7): struct nlmsghdr and what follows it.

import { TsociError } from '../errors.ts';
import { align, attributeMap, textOf } from './attributes.ts';
import { NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_DONE, NLMSGERR_ATTR_MSG } from './netlink-constants.ts';

/** A request, still without a sequence number. */
export interface Request {
  /** What is being done and on what, for the error: "make the bridge tsoci0". */
  readonly doing: string;
  readonly type: number;
  /** NLM_F_* beyond NLM_F_REQUEST and NLM_F_ACK. */
  readonly flags: number;
  /** The header of the protocol (struct ifinfomsg, …) and the attributes. */
  readonly payload: Buffer;
}

/** A message from the kernel. */
export interface Reply {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Buffer;
}

/** sizeof(struct nlmsghdr). */
const HEADER_SIZE = 16;

export function encodeMessage(type: number, flags: number, sequence: number, payload: Uint8Array): Buffer {
  const length = HEADER_SIZE + payload.length;
  const message = Buffer.alloc(align(length));
  message.writeUInt32LE(length, 0);
  message.writeUInt16LE(type, 4);
  message.writeUInt16LE(flags, 6);
  message.writeUInt32LE(sequence, 8);
  message.set(payload, HEADER_SIZE);
  return message;
}

/** The messages of one datagram. */
export function* messagesIn(datagram: Buffer): Generator<Reply> {
  for (let at = 0; at + HEADER_SIZE <= datagram.length; ) {
    const length = datagram.readUInt32LE(at);
    if (length < HEADER_SIZE || at + length > datagram.length) return;
    yield {
      type: datagram.readUInt16LE(at + 4),
      flags: datagram.readUInt16LE(at + 6),
      sequence: datagram.readUInt32LE(at + 8),
      payload: datagram.subarray(at + HEADER_SIZE, at + length),
    };
    at += align(length);
  }
}

/** What NLMSG_ERROR (or the end of a dump) says: the errno, 0 for success, and the kernel's words if it has some. */
export function errorOf(reply: Reply): { errno: number; words: string | undefined } {
  const errno = reply.payload.length < 4 ? 0 : -reply.payload.readInt32LE(0);
  if (!(reply.flags & NLM_F_ACK_TLVS)) return { errno, words: undefined };
  const words = attributeMap(reply.payload.subarray(4 + echoedLength(reply))).get(NLMSGERR_ATTR_MSG);
  return { errno, words: words && textOf(words) };
}

/**
 * How much of the request lies between the error and its attributes. struct nlmsgerr: the error, the header of the
 * request, the request's payload unless NLM_F_CAPPED. The end of a dump has the error alone.
 */
function echoedLength({ type, flags, payload }: Reply): number {
  if (type === NLMSG_DONE) return 0;
  if (flags & NLM_F_CAPPED) return HEADER_SIZE;
  return payload.length < 8 ? payload.length : align(Math.min(payload.readUInt32LE(4), payload.length));
}

/** The header of the protocol, `size` bytes, and the attributes behind it. */
export function splitPayload({ payload }: Reply, size: number): { header: Buffer; attributes: Buffer } {
  if (payload.length < size)
    throw new TsociError(
      `the kernel's answer is cut off: ${payload.length} bytes where a header has ${size}`,
    );
  return { header: payload.subarray(0, size), attributes: payload.subarray(size) };
}
