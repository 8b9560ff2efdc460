// Sockets that a command is given, and what may be the matter with them: nobody waits for ever, the error says what it was,
// and nothing is left. The console socket, the pidfd socket, and the agent of a seccomp filter.

import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { closeDescriptor } from '../../src/linux/descriptor.ts';
import { bindTo } from '../../src/linux/unix-socket.ts';
import { tryLibseccomp } from '../../src/security/seccomp/libseccomp.ts';
import { type Change, Sandbox } from '../container/harness.ts';
import { StreamListener } from '../container/stream-listener.ts';
import { command, type Ended } from './command.ts';
import { startRacers, stopRacers } from './racers.ts';

const test = suite('sockets of others');
const box = new Sandbox();
/** How many containers are made while a socket is exchanged: fewer than wait at a listener that nobody accepts. */
const EXCHANGED = 4;

interface Use {
  what: string;
  change: (socket: string) => Change;
  options: (socket: string) => string[];
  /** What an error of it is about. */
  doing: RegExp;
  /** It is connected to as another: only what comes after that is tried again. */
  connects?: 'as another';
}

const agentOf =
  (...names: string[]) =>
  (listenerPath: string): Change =>
  ({ linux }) => {
    const syscalls = [{ names, action: 'SCMP_ACT_NOTIFY' as const }];
    linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', listenerPath, syscalls };
  };

const uses: Use[] = [
  {
    what: 'the console socket',
    change:
      () =>
      ({ process }) => {
        process.terminal = true;
      },
    options: (socket) => ['--console-socket', socket],
    doing: /^tsoci: (connect to|send the terminal to) \/\S+\/socket/,
  },
  {
    what: 'the pidfd socket',
    change: () => () => {},
    options: (socket) => ['--pidfd-socket', socket],
    doing: /^tsoci: (connect to|send the pidfd to) \/\S+\/socket/,
    connects: 'as another',
  },
];
const toAgent = /^tsoci: (connect to the seccomp agent at|send the seccomp descriptor to the agent)/;
if (tryLibseccomp())
  uses.push(
    {
      what: 'the agent that is told by create',
      change: agentOf('swapoff'),
      options: () => [],
      doing: toAgent,
    },
    // What init calls while it waits.
    {
      what: 'the agent that is told by start',
      change: agentOf('swapoff', 'fcntl'),
      options: () => [],
      doing: toAgent,
      connects: 'as another',
    },
  );
else console.log('skipped: libseccomp.so.2 is not installed');

interface State {
  what: string;
  /** Makes it; the result takes it away. */
  make: (path: string) => (() => unknown) | Promise<() => unknown>;
  /** The error; undefined where there is none. */
  errno: string | undefined;
  /** Whether the command may as well come before it. */
  either?: boolean;
}

const states: State[] = [
  { what: 'missing', make: () => () => {}, errno: 'ENOENT' },
  {
    what: 'a file',
    make(path) {
      writeFileSync(path, '');
      return () => {};
    },
    errno: 'ECONNREFUSED',
  },
  {
    what: 'not listening',
    make(path) {
      const socket = bindTo(path, 'stream', 'bind');
      return () => closeDescriptor(socket);
    },
    errno: 'ECONNREFUSED',
  },
  {
    what: 'the name of one that was closed',
    make(path) {
      closeDescriptor(bindTo(path, 'stream', 'bind'));
      return () => {};
    },
    errno: 'ECONNREFUSED',
  },
  {
    what: 'for datagrams',
    make(path) {
      const socket = bindTo(path, 'datagram', 'bind');
      return () => closeDescriptor(socket);
    },
    errno: 'EPROTOTYPE',
  },
  {
    what: 'closed as soon as somebody has come',
    async make(path) {
      const server = createServer((socket) => socket.on('error', () => {}).destroy()).listen(path);
      await once(server, 'listening');
      return () => server.close();
    },
    errno: '(EPIPE|ECONNRESET)',
    either: true,
  },
  {
    what: 'read by nobody',
    make(path) {
      const listener = new StreamListener(path);
      return () => listener.close();
    },
    errno: undefined,
  },
];

/** Whether it comes to a connection. */
const isConnected = ({ errno, either = false }: State) => errno === undefined || either;

/** `create` and `start`, as far as they come; and what is made is taken away. */
async function made(use: Use, socket: string): Promise<Ended> {
  const id = box.id();
  box.configure('sleep 1000', use.change(socket));
  const words = ['create', '--bundle', box.bundle, ...use.options(socket), id];
  const created = await command(box, words);
  const ended = created.status === 0 ? await command(box, ['start', id]) : created;
  if (created.status === 0) {
    const deleted = await command(box, ['delete', '--force', id]);
    assert.is(deleted.status, 0, deleted.stderr);
  }
  assert.equal(
    box.leftovers().filter((line) => line.includes(id)),
    [],
  );
  return ended;
}

for (const use of uses) {
  for (const { what, make, errno, either = false } of use.connects ? states.filter(isConnected) : states)
    test(`${use.what} is ${what}`, async () => {
      const socket = join(box.directory, 'socket');
      const takeAway = await make(socket);
      const { status, stderr } = await made(use, socket).finally(() => {
        takeAway();
        rmSync(socket, { force: true });
      });
      if (status === 0 && (errno === undefined || either)) return;
      assert.is(status, 1, stderr);
      assert.match(stderr, use.doing);
      assert.match(stderr, new RegExp(`: ${errno} `));
    });

  test(`${use.what} is exchanged with another, and with a file`, async () => {
    const names = ['socket', 'other', 'file'].map((name) => join(box.directory, name));
    const [socket = '', other = '', file = ''] = names;
    const listeners = [socket, other].map((path) => new StreamListener(path));
    writeFileSync(file, '');
    const racers = await startRacers([
      { directory: box.directory, names: ['socket', 'other'] },
      { directory: box.directory, names: ['socket', 'file'] },
    ]);
    try {
      for (let i = 0; i < EXCHANGED; i++) {
        const { status, stderr } = await made(use, socket);
        if (status === 0) continue;
        assert.match(stderr, use.doing);
        assert.match(stderr, / (ECONNREFUSED|EAGAIN) /);
      }
    } finally {
      await stopRacers(racers);
      for (const listener of listeners) listener.close();
      for (const path of names) rmSync(path);
    }
  });
}

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
