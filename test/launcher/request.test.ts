// What a launcher tells first, as bytes.

import { openSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { receiveRequest } from '../../src/launcher/request.ts';
import { SOCK_SEQPACKET } from '../../src/linux/constants.ts';
import { closeDescriptor, send, sendDescriptors, socketPair } from '../../src/linux/descriptor.ts';

const test = suite('launcher: request');
const nothing = openSync('/dev/null', 'r');
const stdio = [nothing, nothing, nothing];

function received(fields: { argc: number; envc: number; length: number }, strings: string) {
  const header = Buffer.alloc(24);
  header.write('tsoci 1');
  header.writeUInt32LE(fields.argc, 8);
  header.writeUInt32LE(fields.envc, 12);
  header.writeUInt32LE(fields.length, 16);
  const [near, far] = socketPair(SOCK_SEQPACKET);
  try {
    sendDescriptors(far, header, stdio, 'send the header');
    send(far, Buffer.from(strings), 'send the strings');
    closeDescriptor(far);
    const request = receiveRequest(near, 1000);
    for (const fd of request.stdio) closeDescriptor(fd);
    return request;
  } finally {
    closeDescriptor(near);
  }
}

test('arguments and variables', () => {
  const strings = 'tsoci\0state\0c1\0A=b\0__proto__=c\0A=d\0';
  const { args, env } = received({ argc: 3, envc: 3, length: strings.length }, strings);
  assert.equal(args, ['state', 'c1']);
  assert.equal(Object.entries(env), [
    ['A', 'b'],
    ['__proto__', 'c'],
  ]);
});

test('no memory is reserved for more than execve(2) takes', () => {
  assert.throws(
    () => received({ argc: 1, envc: 0, length: 0xffffffff }, 'x'),
    /tells of 4294967295 bytes of strings/,
  );
});

test('strings that do not come are an error', () => {
  assert.throws(() => received({ argc: 2, envc: 0, length: 100 }, 'tsoci\0'), /it has ended/);
});

test.run();
