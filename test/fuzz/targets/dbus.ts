// Messages of D-Bus, and answers of a bus that says what it likes.

import { Bus } from '../../../src/cgroups/systemd/bus.ts';
import { parseAddresses } from '../../../src/cgroups/systemd/bus-address.ts';
import {
  decodeMessage,
  encodeMessage,
  type Message,
  messageLength,
} from '../../../src/cgroups/systemd/bus-message.ts';
import { SOCK_STREAM } from '../../../src/linux/constants.ts';
import { closeDescriptor, send, socketPair } from '../../../src/linux/descriptor.ts';
import { holds, same, unlessRefused } from '../properties.ts';

const METHOD = { destination: 'a.b', path: '/a', interface: 'a.b', member: 'C' };

export function fuzz(data: Buffer): void {
  const length = unlessRefused(() => messageLength(data));
  if (length?.value !== undefined && length.value <= data.length) decode(data.subarray(0, length.value));
  converse(data);
  unlessRefused(() => parseAddresses(data.toString()), data);
}

function decode(bytes: Buffer): void {
  const decoded = unlessRefused(() => decodeMessage(bytes));
  if (!decoded) return;
  const encoded = unlessRefused(() => encodeMessage(decoded.value));
  // Texts that are no UTF-8 have become others.
  holds(encoded !== undefined, 'what was decoded cannot be encoded');
  if (encoded)
    same(named(decodeMessage(encoded.value)), named(decoded.value), 'what was encoded and decoded again');
}

/** Fields without a text are not written. */
function named(message: Message): object {
  return Object.fromEntries(Object.entries(message).filter(([, value]) => value !== ''));
}

function converse(data: Buffer): void {
  const [near, far] = socketPair(SOCK_STREAM);
  const bus = new Bus(near, { socket: '/bus', direct: true });
  try {
    if (data.length > 0) send(far, data, 'answer');
    closeDescriptor(far);
    unlessRefused(() => bus.call(METHOD));
    unlessRefused(() => bus.waitFor('wait', 0, ({ member }) => member === 'JobRemoved'));
  } finally {
    bus.close();
  }
}
