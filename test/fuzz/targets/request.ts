// The first messages of a launcher (src/launcher/request.ts): the header, then strings.

import { openSync } from 'node:fs';
import { receiveRequest } from '../../../src/launcher/request.ts';
import { SOCK_SEQPACKET } from '../../../src/linux/constants.ts';
import { closeDescriptor, send, sendDescriptors, socketPair } from '../../../src/linux/descriptor.ts';
import { holds, unlessRefused } from '../properties.ts';

const HEADER_SIZE = 24;
const handed = Array.from({ length: 3 }, () => openSync('/dev/null', 'r'));

export function fuzz(data: Buffer): void {
  const [near, far] = socketPair(SOCK_SEQPACKET);
  const header = data.subarray(0, HEADER_SIZE);
  const strings = data.subarray(HEADER_SIZE);
  if (header.length === 0) return;
  try {
    sendDescriptors(far, header, handed.slice(0, 3 - (data.length % 2)), 'send the header');
    if (strings.length > 0) send(far, strings, 'send the strings');
    closeDescriptor(far);
    const received = unlessRefused(() => receiveRequest(near, 0));
    if (!received) return;
    const { args, env, stdio } = received.value;
    for (const fd of stdio) closeDescriptor(fd);
    holds(
      args.every((arg) => typeof arg === 'string'),
      'an argument that is no text',
    );
    holds(
      Object.values(env).every((value) => typeof value === 'string'),
      'a variable that is no text',
    );
    holds(Object.getPrototypeOf(env) === null, 'the environment has a prototype');
  } finally {
    closeDescriptor(near);
  }
}
