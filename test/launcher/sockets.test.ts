// What can be where launchers look for a server: where no server of the caller's answers in time, there is a runtime of its own.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { GREETING } from '../../src/launcher/server-socket.ts';
import { SOCK_CLOEXEC } from '../../src/linux/constants.ts';
import { check, closeDescriptor, readable, receive, send } from '../../src/linux/descriptor.ts';
import { listenAt } from '../../src/linux/unix-socket.ts';
import { eventually, TIMEOUT } from '../container/harness.ts';
import { enterPrivateRun, isGone, ServedSandbox } from './server.ts';

enterPrivateRun(import.meta.filename);

const test = suite('launcher: sockets');
const box = new ServedSandbox();
const cold = box.tsoci('--version');
/** A launcher waits for a greeting for a quarter of a second; the rest is for a busy machine. */
const LONG = 10_000;
const USER = 1000;
const socket = box.socket;
mkdirSync(dirname(socket));

/** The answer is that of a runtime of its own, soon. */
function goesCold(): void {
  const from = performance.now();
  assert.equal(box.tsoci('--version'), cold);
  assert.ok(performance.now() - from < LONG);
}

/** Listens where launchers look while `during` goes on. */
function listening(backlog: number, during: (listener: number) => void): void {
  const listener = listenAt(socket, backlog);
  try {
    during(listener);
  } finally {
    closeDescriptor(listener);
    rmSync(socket);
  }
}

test('nothing', goesCold);

for (const [what, make] of [
  ['a directory', () => mkdirSync(socket)],
  ['a file', () => writeFileSync(socket, '')],
] as const)
  test(`${what}: goes cold; a server takes the place of a file, and says so of a directory`, () => {
    make();
    goesCold();
    if (what === 'a file') {
      box.serve(1);
      box.stop();
    } else {
      const { status, stderr } = spawnSync(box.launcher, ['serve'], { encoding: 'utf8', timeout: TIMEOUT });
      assert.is(status, 1);
      assert.match(stderr, /^tsoci: .*\/run\/tsoci-serve\/socket: EISDIR/);
      rmSync(socket, { recursive: true });
    }
    assert.not(existsSync(socket));
  });

test('a server that accepts and never answers', () => listening(8, goesCold));

test('a server whose backlog is full', () =>
  listening(0, () => {
    const waiting = Array.from({ length: 3 }, () => spawn(box.launcher, ['--version'], { stdio: 'ignore' }));
    goesCold();
    eventually('those that waited have ended', () => waiting.every(({ pid = 0 }) => isGone(pid)));
  }));

test("another user's server: it is told nothing, though it answers", async () => {
  // SO_PEERCRED tells who has called listen(2) (unix(7)).
  chownSync(dirname(socket), USER, USER);
  process.seteuid?.(USER);
  const listener = listenAt(socket, 8);
  process.seteuid?.(0);
  try {
    assert.equal(await answered(listener, GREETING), { ...cold, heard: '' });
  } finally {
    closeDescriptor(listener);
    rmSync(socket);
    chownSync(dirname(socket), 0, 0);
  }
});

/** What comes of a command whose connection is answered with that; and what the server has heard of it, of so many messages. */
async function answered(listener: number, answer: Uint8Array, messages = 1, env = process.env) {
  const child = spawn(box.launcher, ['--version'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr] = [child.stdout, child.stderr].map((stream) => {
    const all = { text: '' };
    stream.setEncoding('utf8').on('data', (text: string) => {
      all.text += text;
    });
    return all;
  });
  assert.ok(readable(listener, LONG));
  const connection = check('accept', 'accept4', listener, 0, 0, SOCK_CLOEXEC);
  let heard = '';
  try {
    if (answer.length > 0) send(connection, answer, 'answer');
    for (let i = 0; i < messages && readable(connection, LONG); i++) {
      const buffer = Buffer.alloc(0x10000);
      heard += buffer.toString('latin1', 0, receive(connection, buffer, 'hear'));
    }
  } catch {
    // It has closed its end.
  } finally {
    closeDescriptor(connection);
  }
  const [status] = await once(child, 'close');
  return { status, stdout: stdout?.text, stderr: stderr?.text, heard };
}

for (const [what, answer] of [
  ['another version', Buffer.from('tsoci 2\0', 'latin1')],
  ['a greeting that is cut', GREETING.subarray(0, 3)],
] as const)
  test(`a server that answers with ${what}`, async () => {
    const listener = listenAt(socket, 8);
    assert.equal(await answered(listener, answer), { ...cold, heard: '' });
    closeDescriptor(listener);
    rmSync(socket);
  });

test('a server that hangs up without an answer', async () => {
  const listener = listenAt(socket, 8);
  assert.equal(await answered(listener, Buffer.alloc(0), 0), { ...cold, heard: '' });
  closeDescriptor(listener);
  rmSync(socket);
});

// Whoever has a part of a request has begun nothing. The rest is more than a socket takes while nobody reads (socket(7)).
test('a server that dies before it has the whole request', async () => {
  const listener = listenAt(socket, 8);
  const long = Array.from({ length: 10 }, (_, i) => [`LONG_${i}`, 'x'.repeat(100_000)]);
  const env = { ...process.env, ...Object.fromEntries(long) };
  const { heard, ...answer } = await answered(listener, GREETING, 1, env);
  assert.equal(answer, cold);
  assert.match(heard, /^tsoci 1\0/);
  closeDescriptor(listener);
  rmSync(socket);
});

test('a server that dies with the request: nobody knows what it has begun', async () => {
  const listener = listenAt(socket, 8);
  const { status, stderr, heard } = await answered(listener, GREETING, 2);
  assert.is(status, 1);
  assert.is(stderr, 'tsoci: the server has died\n');
  assert.ok(heard.includes('--version\0'));
  closeDescriptor(listener);
  rmSync(socket);
});

// Seen: the server ended at SIGCONT, and when the size of its terminal changed.
test('a server all of whose processes are stopped; it serves again when they go on', () => {
  box.serve(2);
  const all = [box.server.pid ?? 0, ...runtimesOf(box.server.pid ?? 0), ...box.workers()];
  for (const pid of all) process.kill(pid, 'SIGSTOP');
  goesCold();
  for (const pid of all) process.kill(pid, 'SIGCONT');
  process.kill(box.server.pid ?? 0, 'SIGWINCH');
  const { served } = box.status();
  eventually('it serves', () => box.tsoci('--version').status === 0 && box.status().served > served);
});

test('a socket whose file is removed: nobody is served, and the server ends when it is told to', () => {
  rmSync(socket);
  goesCold();
  const old = [box.server.pid ?? 0, ...box.workers()];
  box.server.kill('SIGTERM');
  eventually('it has ended', () => old.every(isGone));
});

test('a server is restarted while commands go on: they come to their end, and the next has the new one', () => {
  box.serve(1);
  const id = box.id();
  box.configure('sleep 1000');
  const child = box.start('run', id);
  eventually('it runs', () => box.tsoci('state', id).stdout.includes('"running"'));
  const old = box.server.pid ?? 0;
  box.server.kill('SIGTERM');
  eventually('the server is gone', () => isGone(old));
  assert.not(isGone(child.pid ?? 0));
  box.serve(1);
  assert.is(box.tsoci('kill', id, 'KILL').status, 0);
  eventually('the command has ended', () => isGone(child.pid ?? 0));
  assert.ok(box.status().served >= 1);
  assert.is(box.tsoci('state', id).status, 1);
});

/** The supervisor: a child of the launcher of `serve`. */
function runtimesOf(pid: number): number[] {
  const { stdout } = spawnSync('cat', [`/proc/${pid}/task/${pid}/children`], { encoding: 'utf8' });
  return stdout.trim().split(' ').filter(Boolean).map(Number);
}

test('nothing is left behind', () => {
  box.stop();
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
