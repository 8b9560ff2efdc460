// A netlink socket. It speaks to the network namespace in which it was made, wherever its user is.
//
// The kernel handles a request within sendto(2): when the call returns, the answer is in the socket's queue, and
// the next part of a dump is made when the one before it is read. So the socket never blocks; an empty queue where
// an answer is due is an error, not a reason to wait.

import { AF_NETLINK, O_NONBLOCK, SOCK_CLOEXEC, SOCK_RAW } from '../constants.ts';
import { check, closeDescriptor, receive } from '../descriptor.ts';
import { TsociError } from '../errors.ts';
import { step } from '../steps.ts';
import {
  NETLINK_CAP_ACK,
  NETLINK_EXT_ACK,
  NETLINK_GET_STRICT_CHK,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  SOL_NETLINK,
} from './netlink-constants.ts';
import { encodeMessage, errorOf, messagesIn, type Reply, type Request } from './netlink-message.ts';

/** The kernel sends at most 32 KiB at once (NLMSG_GOODSIZE and netlink_dump). */
const RECEIVE_SIZE = 0x10000;
/** A dump that the kernel marks as inconsistent is repeated; a table that changes all the time ends it. */
const DUMP_ATTEMPTS = 10;

/** The type of a netlink socket for socket(2), also where a stub makes it for us. */
export const NETLINK_SOCKET_TYPE = SOCK_RAW | SOCK_CLOEXEC | O_NONBLOCK;

export class NetlinkSocket {
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(RECEIVE_SIZE);
  #sequence = 0;

  /** Takes over a descriptor of socket(AF_NETLINK, NETLINK_SOCKET_TYPE, protocol). */
  constructor(fd: number) {
    this.#fd = fd;
    // Errors without a copy of the request, with words; filters of dumps obeyed. All are older than Linux 5.0.
    for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK]) {
      const on = Buffer.from(Int32Array.of(1).buffer);
      check('set an option of a netlink socket', 'setsockopt', fd, SOL_NETLINK, option, on, on.length);
    }
  }

  /** A socket to our own network namespace. */
  static open(protocol: number): NetlinkSocket {
    const doing = 'open a netlink socket';
    return new NetlinkSocket(check(doing, 'socket', AF_NETLINK, NETLINK_SOCKET_TYPE, protocol));
  }

  close(): void {
    closeDescriptor(this.#fd);
  }

  /** Has the kernel do something. */
  request(request: Request): void {
    this.#exchange(request, NLM_F_ACK);
  }

  /** Asks for one object. */
  get(request: Request): Reply {
    const [reply] = this.#exchange(request, NLM_F_ACK);
    if (!reply) throw new TsociError(`${request.doing}: the kernel acknowledged and sent nothing`);
    return reply;
  }

  /** Asks for all objects of a table. */
  dump(request: Request): Reply[] {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      const replies = this.#exchange(request, NLM_F_DUMP);
      if (!replies.some(({ flags }) => flags & NLM_F_DUMP_INTR)) return replies;
    }
    throw new TsociError(`${request.doing}: it changed at each of ${DUMP_ATTEMPTS} readings`);
  }

  /**
   * Sends a batch of nfnetlink (linux/netfilter/nfnetlink.h): the kernel does all of `requests` or none. `begin` and
   * `end` enclose them. Only the last request is acknowledged; every failing one is answered.
   */
  batch(begin: Request, requests: readonly Request[], end: Request): void {
    const first = this.#sequence + 1;
    const messages = [begin, ...requests, end].map(({ type, flags, payload }, i) => {
      const acknowledge = i === requests.length ? NLM_F_ACK : 0;
      return encodeMessage(type, flags | acknowledge | NLM_F_REQUEST, ++this.#sequence, payload);
    });
    const doing = requests[0]?.doing ?? begin.doing;
    this.#send(Buffer.concat(messages), doing);
    let failure: TsociError | undefined;
    for (const reply of this.#replies(doing)) {
      const which = reply.sequence - first;
      if (reply.type !== NLMSG_ERROR || which < 0) continue;
      failure ??= failureOf(requests[which - 1]?.doing ?? doing, reply);
      // An answer to the opening message means that the kernel refused the batch as a whole.
      if (which === 0 || which >= requests.length) break;
    }
    if (failure) throw failure;
  }

  #exchange({ type, flags, payload, doing }: Request, mode: number): Reply[] {
    const sequence = ++this.#sequence;
    this.#send(encodeMessage(type, flags | mode | NLM_F_REQUEST, sequence, payload), doing);
    const replies: Reply[] = [];
    for (const reply of this.#replies(doing)) {
      // What is left of an exchange that failed before its end.
      if (reply.sequence !== sequence) continue;
      if (reply.type === NLMSG_ERROR || reply.type === NLMSG_DONE) {
        const failure = failureOf(doing, reply);
        if (failure) throw failure;
        return replies;
      }
      replies.push(reply);
    }
    return replies;
  }

  #send(message: Uint8Array, doing: string): void {
    step(doing);
    check(doing, 'sendto', this.#fd, message, message.length, 0, 0, 0);
  }

  *#replies(doing: string): Generator<Reply> {
    for (;;) {
      const length = receive(this.#fd, this.#buffer, `${doing}: read the kernel's answer`);
      yield* messagesIn(Buffer.from(this.#buffer.subarray(0, length)));
    }
  }
}

function failureOf(doing: string, reply: Reply): TsociError | undefined {
  const { errno, words } = errorOf(reply);
  return errno === 0 ? undefined : TsociError.fromErrno(doing, errno, words);
}
