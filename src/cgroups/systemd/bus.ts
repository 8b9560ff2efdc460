// A connection to systemd over D-Bus: authentication, method calls, signals. Synchronous, as the rest of `create` is.

import { closeDescriptor, readable, receive, send } from '../../linux/descriptor.ts';
import { ENAMETOOLONG } from '../../linux/errno.ts';
import { TsociError } from '../../linux/errors.ts';
import { connectToAddress, unixAddress } from '../../linux/unix-socket.ts';
import type { BusAddress } from './bus-address.ts';
import {
  decodeMessage,
  ERROR,
  encodeMessage,
  METHOD_CALL,
  type Message,
  messageLength,
} from './bus-message.ts';
import type { Value } from './marshal.ts';

/** struct sockaddr_un: unix(7). */
const LONGEST_PATH = 108;

/** systemd's own default for a method call (sd-bus), in milliseconds. */
const CALL_TIMEOUT_MS = 25_000;

/** A method call that was answered by an error. */
export class BusError extends TsociError {
  /** org.freedesktop.systemd1.NoSuchUnit. */
  readonly errorName: string;

  constructor(doing: string, errorName: string, text: string) {
    super(`${doing}: ${text || errorName}`);
    this.errorName = errorName;
  }
}

export interface Method {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
}

export class Bus {
  readonly #fd: number;
  readonly #where: string;
  /** Whether systemd itself is at the other end, and no bus between. */
  readonly direct: boolean;
  #serial = 0;
  #bytes = Buffer.alloc(0);
  readonly #signals: Message[] = [];

  constructor(fd: number, { socket, direct }: BusAddress) {
    this.#fd = fd;
    this.#where = printable(socket);
    this.direct = direct;
  }

  /** Connects and authenticates; with a bus (not systemd's private socket) also says hello. */
  static connect(address: BusAddress): Bus {
    const bus = new Bus(connect(address.socket), address);
    try {
      bus.#authenticate();
      if (!address.direct) {
        const name = 'org.freedesktop.DBus';
        bus.call({ destination: name, path: '/org/freedesktop/DBus', interface: name, member: 'Hello' });
      }
      return bus;
    } catch (error) {
      bus.close();
      throw error;
    }
  }

  close(): void {
    closeDescriptor(this.#fd);
  }

  /** Calls a method and waits for its answer. Throws BusError for an error of the other side. */
  call(method: Method, signature = '', body: readonly Value[] = []): readonly Value[] {
    const doing = `call ${method.member} through ${this.#where}`;
    const serial = ++this.#serial;
    send(this.#fd, encodeMessage({ ...method, type: METHOD_CALL, serial, signature, body }), doing);
    const deadline = performance.now() + CALL_TIMEOUT_MS;
    for (;;) {
      const message = this.#next(deadline, doing);
      if (message.replySerial !== serial) this.#signals.push(message);
      else if (message.type === ERROR)
        throw new BusError(doing, message.errorName ?? '', String(message.body[0] ?? ''));
      else return message.body;
    }
  }

  /** Waits for a signal that `wanted` accepts, also among those that came meanwhile. */
  waitFor(doing: string, milliseconds: number, wanted: (message: Message) => boolean): Message {
    const deadline = performance.now() + milliseconds;
    for (;;) {
      const message = this.#signals.shift() ?? this.#next(deadline, doing);
      if (wanted(message)) return message;
    }
  }

  #next(deadline: number, doing: string): Message {
    for (;;) {
      const length = messageLength(this.#bytes);
      if (length !== undefined && this.#bytes.length >= length) {
        const message = decodeMessage(this.#bytes.subarray(0, length));
        this.#bytes = this.#bytes.subarray(length);
        return message;
      }
      this.#read(deadline, doing);
    }
  }

  #read(deadline: number, doing: string): void {
    if (!readable(this.#fd, Math.max(0, deadline - performance.now())))
      throw new TsociError(`${doing}: no answer in time`);
    const buffer = Buffer.alloc(16_384);
    const length = receive(this.#fd, buffer, doing);
    if (length === 0) throw new TsociError(`${doing}: the connection was closed`);
    this.#bytes = Buffer.concat([this.#bytes, buffer.subarray(0, length)]);
  }

  /**
   * EXTERNAL without a name (D-Bus specification, "Authentication Protocol"): the other side takes who we are from the
   * socket, in its own user namespace. The answers are DATA and OK. All is written at once, as sd-bus does: a
   * call that systemd's private socket reads together with BEGIN is not looked at until something else comes.
   */
  #authenticate(): void {
    const doing = `authenticate at ${this.#where}`;
    send(this.#fd, Buffer.from('\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n'), doing);
    const deadline = performance.now() + CALL_TIMEOUT_MS;
    for (;;) {
      const end = this.#bytes.indexOf('\r\n');
      if (end < 0) {
        this.#read(deadline, doing);
        continue;
      }
      const line = this.#bytes.subarray(0, end).toString();
      this.#bytes = this.#bytes.subarray(end + 2);
      if (line.startsWith('OK')) return;
      if (!line.startsWith('DATA')) throw new TsociError(`${doing}: refused: ${line}`);
    }
  }
}

/** A path, or with a NUL in front a name of the abstract namespace (unix(7)). */
function connect(socket: string): number {
  const doing = `connect to ${printable(socket)}`;
  const abstract = socket.startsWith('\0');
  const address = unixAddress(abstract ? socket : `${socket}\0`);
  if (address.length > 2 + LONGEST_PATH) throw TsociError.fromErrno(doing, ENAMETOOLONG);
  return connectToAddress(address, 'stream', doing);
}

const printable = (socket: string): string => socket.replace(/^\0/, '@');
