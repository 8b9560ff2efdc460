// A Unix socket that receives file descriptors (SCM_RIGHTS), which Node itself cannot: what `--console-socket`
// and seccomp's listenerPath connect to.

import { closeSync } from 'node:fs';
import koffi, { type KoffiFunc } from 'koffi';
import { Failure } from './expect.ts';

// bits/socket.h, and sizes of its structures on 64-bit machines.
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SCM_RIGHTS = 1;
const CMSG_HEADER = 16;
const SOCKADDR_UN = 110;
/** How long a connection, and each message on it, may take, in seconds. */
const TIME_LIMIT = 15;

const libc = koffi.load(null);
const iovec = koffi.struct({ base: 'void *', length: 'size_t' });
const msghdr = koffi.struct({
  name: 'void *',
  nameLength: 'uint32_t',
  vector: koffi.pointer(iovec),
  vectorLength: 'size_t',
  control: 'void *',
  controlLength: 'size_t',
  flags: 'int',
});
const socket = libc.func('socket', 'int', ['int', 'int', 'int']);
const bind = libc.func('bind', 'int', ['int', 'void *', 'uint32_t']);
const listen = libc.func('listen', 'int', ['int', 'int']);
const setsockopt = libc.func('setsockopt', 'int', ['int', 'int', 'int', 'void *', 'uint32_t']);
const accept = libc.func('accept', 'int', ['int', 'void *', 'void *']);
const recvmsg = libc.func('recvmsg', 'intptr_t', ['int', koffi.inout(koffi.pointer(msghdr)), 'int']);

export interface Reception {
  /** Everything that came before the other side closed the connection. */
  text: string;
  descriptors: number[];
  /** How many messages came, and which of them, from 0, had descriptors. */
  messages: number;
  withDescriptors: number[];
  /** False when the other side kept the connection open. */
  closed: boolean;
}

/** Listens at `path`; returns what receives the next connection. All is closed when the check is over. */
export function listenAt(path: string, defer: (undo: () => void) => void): () => Promise<Reception> {
  const listener = check(socket(AF_UNIX, SOCK_STREAM, 0), 'socket');
  defer(() => closeSync(listener));
  const address = Buffer.alloc(SOCKADDR_UN);
  address.writeUInt16LE(AF_UNIX);
  address.write(path, 2);
  check(bind(listener, address, SOCKADDR_UN), `bind ${path}`);
  check(listen(listener, 4), 'listen');
  limitTime(listener);
  return () => receive(listener, defer);
}

/** Accepts one connection and reads it to its end. */
async function receive(listener: number, defer: (undo: () => void) => void): Promise<Reception> {
  const connection = await inThread(accept, listener, null, null);
  if (connection < 0) throw new Failure(`nobody connected to the socket within ${TIME_LIMIT} s`);
  limitTime(connection);
  const reception: Reception = {
    text: '',
    descriptors: [],
    messages: 0,
    withDescriptors: [],
    closed: false,
  };
  defer(() => {
    for (const fd of reception.descriptors) closeSync(fd);
  });
  try {
    for (;;) {
      const data = Buffer.alloc(65536);
      const control = Buffer.alloc(256);
      const vector = [{ base: data, length: data.length }];
      const message = {
        name: null,
        nameLength: 0,
        vector,
        vectorLength: 1,
        control,
        controlLength: control.length,
        flags: 0,
      };
      const length = await inThread(recvmsg, connection, message, 0);
      if (length <= 0) {
        reception.closed = length === 0;
        return reception;
      }
      const descriptors = descriptorsIn(control);
      if (descriptors.length > 0) reception.withDescriptors.push(reception.messages);
      reception.descriptors.push(...descriptors);
      reception.text += data.toString('utf8', 0, length);
      reception.messages++;
    }
  } finally {
    closeSync(connection);
  }
}

/** The first control message's descriptors; cmsg(3). The buffer is zero where nothing was received. */
function descriptorsIn(control: Buffer): number[] {
  const length = Number(control.readBigUInt64LE(0));
  if (
    length < CMSG_HEADER ||
    control.readInt32LE(8) !== SOL_SOCKET ||
    control.readInt32LE(12) !== SCM_RIGHTS
  ) {
    return [];
  }
  const count = (length - CMSG_HEADER) / 4;
  return Array.from({ length: count }, (_, index) => control.readInt32LE(CMSG_HEADER + 4 * index));
}

function limitTime(descriptor: number): void {
  const time = Buffer.alloc(16);
  time.writeBigInt64LE(BigInt(TIME_LIMIT));
  check(setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, time, time.length), 'setsockopt');
}

function inThread(call: KoffiFunc<(...args: unknown[]) => number>, ...args: unknown[]): Promise<number> {
  return new Promise((settle, reject) => {
    call.async(...args, (error: unknown, result: number) => (error ? reject(error) : settle(Number(result))));
  });
}

function check(result: number, what: string): number {
  if (result < 0) throw new Failure(`${what}: errno ${koffi.errno()}`);
  return result;
}
