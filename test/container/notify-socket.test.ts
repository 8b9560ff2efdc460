// NOTIFY_SOCKET (sd_notify(3)), with a service manager that is a socket of ours. busybox's logger sends to /dev/log.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM } from '../../src/linux/constants.ts';
import { check, closeDescriptor, readable, receiveDescriptors } from '../../src/linux/descriptor.ts';
import { unixAddress } from '../../src/linux/unix-socket.ts';
import { ensureUser, RootlessSandbox } from '../rootless/second-user.ts';
import { type Change, eventually, Sandbox, tsociPath, userNamespace } from './harness.ts';

const test = suite('NOTIFY_SOCKET');
const box = new Sandbox();
let count = 0;

/** A manager, and what it was told so far; descriptors that came are kept until `release`. */
class Manager {
  readonly name: string;
  readonly told: string[] = [];
  readonly #socket: number;
  readonly #held: number[] = [];

  constructor({ abstract = false } = {}) {
    const path = join(box.directory, `manager-${count++}`);
    this.name = abstract ? `@${path}` : path;
    const address = unixAddress(abstract ? `\0${path}` : `${path}\0`);
    this.#socket = check('make a socket', 'socket', AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    check('bind', 'bind', this.#socket, address, address.length);
    if (!abstract) check('chmod', 'fchmodat', -100, Buffer.from(`${path}\0`), 0o777);
  }

  receive(): void {
    while (readable(this.#socket, 0)) {
      const buffer = Buffer.alloc(4096);
      const { length, fds } = receiveDescriptors(this.#socket, buffer, 1, 'receive');
      this.told.push(buffer.toString('utf8', 0, length));
      this.#held.push(...fds);
    }
  }

  release(): void {
    for (const fd of this.#held.splice(0)) closeDescriptor(fd);
  }

  /** Waits for a message. */
  async hears(message: string): Promise<void> {
    for (const end = Date.now() + 10_000; !this.told.includes(message); this.receive()) {
      if (Date.now() > end) throw new Error(`the manager was told ${JSON.stringify(this.told)}`);
      await sleep(10);
    }
  }

  close(): void {
    this.release();
    closeDescriptor(this.#socket);
    if (!this.name.startsWith('@')) rmSync(this.name);
  }
}

/** Has the process tell each message, once /go is there, and then execute what follows. */
function telling(messages: readonly string[], then: string): string {
  const sends = messages.map((message) => `busybox logger '\n${message}\n'`).join('; ');
  return `ln -s $NOTIFY_SOCKET /dev/log; while [ ! -e /dev/go ]; do sleep 0.01; done; ${sends}; ${then}`;
}

function start(manager: Manager, ...args: string[]): ChildProcess {
  return spawn(tsociPath, ['--root', box.root, ...args], {
    cwd: box.bundle,
    env: { PATH: process.env.PATH, NOTIFY_SOCKET: manager.name },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

const writable: Change = (config) => {
  // /dev/log is made by whichever user.
  for (const mount of config.mounts ?? [])
    if (mount.destination === '/dev') mount.options = ['nosuid', 'mode=777'];
};

for (const [what, abstract, change] of [
  ['', false, () => {}],
  [' that has an abstract name', true, () => {}],
  [', by a user that is not root', false, ({ process }) => (process.user = { uid: 1000, gid: 1000 })],
  [
    ', from a user namespace',
    false,
    (config) => {
      userNamespace(config);
      config.process.user = { uid: 1000, gid: 1000 };
    },
  ],
] as [string, boolean, (config: Parameters<Change>[0]) => unknown][]) {
  test(`start waits for READY=1 and tells it to a manager${what}`, async () => {
    const manager = new Manager({ abstract });
    const id = box.id();
    box.configure(telling(['STATUS=warm', 'READY=1', 'STATUS=hot'], 'sleep 1000'), (config) => {
      change(config);
      writable(config);
    });
    assert.is((await once(start(manager, 'create', id), 'exit'))[0], 0);
    const starting = start(manager, 'start', id);
    const ended = once(starting, 'exit');
    eventually('it runs', () => box.state(id).status === 'running');
    // Its lock is free.
    assert.is(box.tsoci('exec', id, 'test', '-S', '/run/notify/notify.sock').status, 0);
    assert.equal([starting.exitCode, manager.told], [null, []]);
    assert.is(box.tsoci('exec', '--user', '0:0', id, 'touch', '/dev/go').status, 0);
    await manager.hears('BARRIER=1');
    assert.equal(manager.told, ['READY=1\n', `MAINPID=${box.state(id).pid}\n`, 'BARRIER=1']);
    await sleep(50);
    assert.is(starting.exitCode, null, 'it waits for the manager');
    manager.release();
    assert.is((await ended)[0], 0);
    assert.is(box.tsoci('delete', '--force', id).status, 0);
    manager.close();
  });
}

test('run in the foreground passes READY=1 on, and stays what the manager watches', async () => {
  const manager = new Manager();
  const id = box.id();
  box.configure(telling(['READY=1'], 'sleep 1000'), writable);
  const running = start(manager, 'run', id);
  const ended = once(running, 'exit');
  eventually('it runs', () => box.tsoci('exec', id, 'touch', '/dev/go').status === 0);
  await manager.hears(`MAINPID=${running.pid}\n`);
  assert.equal(manager.told, ['READY=1\n', `MAINPID=${running.pid}\n`]);
  running.kill('SIGKILL');
  await ended;
  assert.is(box.tsoci('delete', '--force', id).status, 0);
  manager.close();
});

test('a process that ends without a word ends the wait', async () => {
  const manager = new Manager();
  box.configure('sleep 0.2; exit 3');
  assert.is((await once(start(manager, 'run', box.id()), 'exit'))[0], 3);
  const id = box.id();
  assert.is((await once(start(manager, 'run', '--detach', id), 'exit'))[0], 0);
  assert.is(box.state(id).status, 'stopped');
  assert.is(box.tsoci('delete', id).status, 0);
  manager.receive();
  assert.equal(manager.told, []);
  manager.close();
});

test('the variable is for the process alone, and replaces that of the config', async () => {
  const manager = new Manager();
  const id = box.id();
  box.configure('echo $NOTIFY_SOCKET >/dev/told; while :; do sleep 1; done', (config) => {
    config.process.env = ['PATH=/bin', 'NOTIFY_SOCKET=/of/the/config'];
  });
  assert.is((await once(start(manager, 'create', id), 'exit'))[0], 0);
  manager.close();
  // Whoever starts it is not a service.
  assert.is(box.detached('start', id), 0);
  const seen = () => box.tsoci('exec', id, 'cat', '/dev/told').stdout;
  eventually('the variable', () => seen() === '/run/notify/notify.sock\n');
  const env = { PATH: process.env.PATH, NOTIFY_SOCKET: manager.name };
  const exec = box.tsociWith({ env }, 'exec', id, 'sh', '-c', 'echo $NOTIFY_SOCKET');
  assert.is(exec.stdout, '/of/the/config\n');
  assert.is(box.tsoci('delete', '--force', id).status, 0);
  // A kind of socket that only systemd itself knows.
  const other = { env: { PATH: process.env.PATH, NOTIFY_SOCKET: 'vsock:2:1234' } };
  box.configure('echo $NOTIFY_SOCKET; ls /run/notify | busybox wc -l');
  assert.is(box.tsociWith(other, 'run', box.id()).stdout, '\n0\n');
});

test('of an ordinary user', async () => {
  const user = ensureUser();
  if (user === undefined) return console.log('\nskipped: only root can act as a second user');
  const rootless = new RootlessSandbox(user);
  const manager = new Manager();
  rootless.environment = { ...rootless.environment, NOTIFY_SOCKET: manager.name };
  rootless.configure("ln -s $NOTIFY_SOCKET /dev/log; busybox logger '\nREADY=1\n'; sleep 1");
  assert.is(rootless.tsoci('run', rootless.id()).status, 0);
  manager.receive();
  assert.is(manager.told[0], 'READY=1\n');
  manager.close();
  rootless.close();
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
