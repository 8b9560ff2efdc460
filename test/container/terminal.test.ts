// The terminal of `run` in the foreground, as an object.

import { fstatSync, openSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TerminalSession } from '../../src/container/attach/terminal.ts';
import type { Caller } from '../../src/launcher/caller.ts';
import { O_NOCTTY, O_RDWR, TIOCGPTPEER, TIOCSPTLCK } from '../../src/linux/constants.ts';
import { check, closeDescriptor } from '../../src/linux/descriptor.ts';
import { Pseudoterminal } from './pseudoterminal.ts';

const test = suite('terminal');
const typing = new Pseudoterminal();

function openTerminal(write: Caller['write'] = () => {}) {
  const master = openSync('/dev/ptmx', O_RDWR | O_NOCTTY);
  check('unlock the pseudoterminal', 'ioctl', master, TIOCSPTLCK, new Uint8Array(4));
  const slave = check('open the pseudoterminal', 'ioctl', master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
  const caller = { stdio: [typing.slave, 1, 2], write } as Partial<Caller> as Caller;
  return { master, slave, session: new TerminalSession(caller, master) };
}

const never = () => false;

// Seen with a stream of the master's number that was destroyed after the master: it closed whatever had that number by
// then, and `run` failed to remove its state.
test('at its end it closes only what is its own', async () => {
  const { master, slave, session } = openTerminal();
  closeDescriptor(slave);
  session.drain(never);
  assert.throws(() => fstatSync(master), /EBADF/);
  const next = openSync('/dev/null', 'r');
  assert.is(next, master, 'the lowest number that is free');
  session.close();
  fstatSync(next);
  closeDescriptor(next);
});

test('output that somebody else goes on to write is waited for only shortly', async () => {
  let shown = '';
  const { master, slave, session } = openTerminal((_, bytes) => {
    shown += bytes;
  });
  check('write to the pseudoterminal', 'write', slave, Buffer.from('last'), 4);
  const start = performance.now();
  session.drain(never);
  assert.is(shown, 'last');
  assert.ok(performance.now() - start < 5000);
  session.close();
  assert.throws(() => fstatSync(master), /EBADF/);
  closeDescriptor(slave);
});

test.after(() => typing.close());
test.run();
