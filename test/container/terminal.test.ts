// The terminal of `run` in the foreground, as an object.

import fs from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TerminalSession } from '../../src/container/attach/terminal.ts';
import type { Caller } from '../../src/linux/caller.ts';
import { O_NOCTTY, O_RDWR, TIOCGPTPEER, TIOCSPTLCK } from '../../src/linux/constants.ts';
import { check, closeDescriptor } from '../../src/linux/descriptor.ts';

const test = suite('terminal');

// Seen with a stream of the master's number that was destroyed after the master: a thread closed whatever had that number
// by then, and `run` failed to remove its state.
test('at its end it closes only what is its own', async () => {
  const master = fs.openSync('/dev/ptmx', O_RDWR | O_NOCTTY);
  check('unlock the pseudoterminal', 'ioctl', master, TIOCSPTLCK, new Uint8Array(4));
  const slave = check('open the pseudoterminal', 'ioctl', master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
  const closed: number[] = [];
  const { close } = fs;
  fs.close = ((fd: number, done: () => void) => {
    closed.push(fd);
    close(fd, done);
  }) as typeof close;
  try {
    const input = fs.openSync('/dev/null', 'r');
    const caller = { stdio: [input, 1, 2], write: () => {} } as Partial<Caller> as Caller;
    const session = new TerminalSession(caller, master);
    closeDescriptor(slave);
    await session.drained();
    session.close();
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.ok(!closed.includes(master), `closed by a thread: ${closed.join(', ')}`);
    assert.throws(() => fs.fstatSync(master), /EBADF/);
  } finally {
    fs.close = close;
  }
});

test.run();
