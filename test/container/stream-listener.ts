// A listening stream socket that is sent descriptors: what --pidfd-socket and linux.seccomp.listenerPath name.

import { AF_UNIX, SOCK_CLOEXEC, SOCK_STREAM } from '../../src/linux/constants.ts';
import { check, closeDescriptor, readable, receiveDescriptors } from '../../src/linux/descriptor.ts';
import { unixAddress } from '../../src/linux/unix-socket.ts';

export class StreamListener {
  readonly #socket: number;

  constructor(path: string) {
    const address = unixAddress(`${path}\0`);
    this.#socket = check('make a socket', 'socket', AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check('bind', 'bind', this.#socket, address, address.length);
    check('listen', 'listen', this.#socket, 4);
  }

  /** What the next client has sent, and its descriptors; undefined without a client, or as long as it sends nothing. */
  received(): { text: string; fds: number[] } | undefined {
    if (!readable(this.#socket, 0)) return undefined;
    const socket = check('accept', 'accept4', this.#socket, 0, 0, SOCK_CLOEXEC);
    try {
      if (!readable(socket, 0)) return undefined;
      const buffer = Buffer.alloc(65_536);
      const { length, fds } = receiveDescriptors(socket, buffer, 4, 'receive');
      return { text: buffer.toString('utf8', 0, length), fds };
    } finally {
      closeDescriptor(socket);
    }
  }

  close(): void {
    closeDescriptor(this.#socket);
  }
}
