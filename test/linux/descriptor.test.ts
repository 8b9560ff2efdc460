// Waiting for descriptors.

import { spawn } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { POLLIN, SOCK_SEQPACKET } from '../../src/linux/constants.ts';
import { closeDescriptor, poll, readable, send, socketPair } from '../../src/linux/descriptor.ts';

const test = suite('linux: descriptor');

test('what has come is told, in the order of what is waited for', () => {
  const [near, far] = socketPair(SOCK_SEQPACKET);
  const wanted = [near, far].map((fd) => ({ fd, events: POLLIN }));
  assert.equal(poll(wanted, 0), [0, 0]);
  send(near, Buffer.from('x'), 'send');
  assert.equal(poll(wanted, -1), [0, POLLIN]);
  for (const fd of [near, far]) closeDescriptor(fd);
});

// Seen with EINTR as an error: a profiler, which interrupts threads, ended each command.
test('a signal that is caught does not end the wait', () => {
  const [near, far] = socketPair(SOCK_SEQPACKET);
  const caught = () => {};
  process.on('SIGUSR2', caught);
  const killer = spawn('/bin/sh', ['-c', `for i in 1 2 3; do sleep 0.1; kill -USR2 ${process.pid}; done`]);
  const start = performance.now();
  assert.is(readable(near, 600), false);
  const took = performance.now() - start;
  assert.ok(took > 590 && took < 5000, String(took));
  killer.kill();
  process.off('SIGUSR2', caught);
  for (const fd of [near, far]) closeDescriptor(fd);
});

test.run();
