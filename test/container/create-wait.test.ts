// create --wait: tsoci stays with a container that others start, and ends as its process does.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually, Sandbox, TIMEOUT, tsociPath } from './harness.ts';

const test = suite('create --wait');
const box = new Sandbox();

interface Waiting {
  id: string;
  child: ChildProcess;
  /** All that it and the container write. */
  output: Promise<string>;
  /** Its exit status. */
  ended: Promise<number | null>;
}

/** A container that is created. */
function createWaiting(script: string): Waiting {
  box.configure(script);
  const id = box.id();
  const child = spawn(tsociPath, ['--root', box.root, 'create', '--wait', '--pid-file', pidFile(id), id], {
    cwd: box.bundle,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT,
  });
  const output = Promise.all([text(child.stdout), text(child.stderr)]).then((texts) => texts.join(''));
  const ended = once(child, 'exit').then(([code]) => code);
  eventually('the pid file is written', () => existsSync(pidFile(id)));
  return { id, child, output, ended };
}

function pidFile(id: string): string {
  return join(box.directory, `${id}.pid`);
}

test('the exit status is that of the process, and the container stays for delete', async () => {
  const { id, output, ended } = createWaiting('echo hello; exit 7');
  assert.is(box.state(id).status, 'created');
  assert.is(box.tsoci('start', id).status, 0);
  assert.is(await ended, 7);
  assert.is(await output, 'hello\n');
  assert.is(box.state(id).status, 'stopped');
  assert.is(box.tsoci('delete', id).status, 0);
  assert.equal(box.leftovers(), []);
});

test('signals go on to the process', async () => {
  const { id, child, ended } = createWaiting(
    'trap "exit 9" TERM; echo > /ready; while :; do sleep 0.1; done',
  );
  assert.is(box.tsoci('start', id).status, 0);
  eventually('the process runs', () => existsSync(join(box.rootfs, 'ready')));
  child.kill('SIGTERM');
  assert.is(await ended, 9);
  assert.is(box.tsoci('delete', id).status, 0);
});

test('it ends when the container is deleted before it was started', async () => {
  const { id, output, ended } = createWaiting('true');
  assert.is(box.tsoci('delete', '--force', id).status, 0);
  assert.is(await ended, 137);
  assert.is(await output, '');
  assert.equal(box.leftovers(), []);
});

test('killed by itself it leaves the container as it is', async () => {
  const { id, child, ended } = createWaiting('sleep 1000');
  child.kill('SIGKILL');
  await ended;
  assert.is(box.state(id).status, 'created');
  assert.is(box.tsoci('start', id).status, 0);
  assert.is(box.state(id).status, 'running');
  assert.is(box.tsoci('delete', '--force', id).status, 0);
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
