// The launcher and its runtime where there is too little of something, and the death of either.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { commandLines, eventually, Sandbox, TIMEOUT, tsociPath } from '../container/harness.ts';

const test = suite('limits');
const box = new Sandbox();
const LIVES = 'touch /started; while [ ! -e /end ]; do sleep 0.05; done; exit 7';

/** A command through programs such as prlimit(1). */
function through(prefix: readonly string[], ...args: string[]) {
  const [command = '', ...rest] = [...prefix, tsociPath, ...args];
  return spawnSync(command, rest, { encoding: 'utf8', timeout: TIMEOUT, cwd: box.bundle });
}

/** It has worked, or says why not; no signal has ended it. */
function isClear({ status, stderr }: ReturnType<typeof through>, what: string): void {
  assert.ok(status === 0 || (status === 1 && stderr.includes('tsoci: ')), `${what}: ${status} ${stderr}`);
}

test('a closed standard stream is /dev/null in the container', () => {
  const look = 'for i in 0 1 2; do [ -c /proc/self/fd/$i ] && touch /null$i; done; exit 0';
  box.configure(look);
  const run = `exec ${tsociPath} --root ${box.root} run`;
  for (const [closed, seen] of [
    ['<&- >&- 2>&-', '012'],
    ['<&-', '0'],
    ['>&-', '1'],
    ['2>&-', '2'],
  ]) {
    const script = `${run} ${box.id()} ${closed}`;
    const { status } = spawnSync('sh', ['-c', script], { cwd: box.bundle, stdio: 'pipe', timeout: TIMEOUT });
    assert.is(status, 0, closed);
    const found = readdirSync(box.rootfs).filter((name) => name.startsWith('null'));
    assert.equal(
      found.sort(),
      [...(seen ?? '')].map((i) => `null${i}`),
      closed,
    );
    spawnSync('sh', ['-c', 'rm null*'], { cwd: box.rootfs });
  }
});

test('with a soft limit of 16 descriptors a container runs, and has that limit', () => {
  box.configure('ulimit -Sn');
  const { status, stdout, stderr } = through(
    ['prlimit', '--nofile=16:1024'],
    '--root',
    box.root,
    'run',
    box.id(),
  );
  assert.is(status, 0, stderr);
  assert.is(stdout, '16\n');
});

test('with few descriptors a command works or says why not', () => {
  box.configure('true');
  for (const hard of [3, 5, 6, 8, 10, 12, 14, 16, 18, 20]) {
    const prefix = ['prlimit', `--nofile=${hard}:${hard}`];
    isClear(through(prefix, 'features'), `features with ${hard}`);
    const id = box.id();
    isClear(through(prefix, '--root', box.root, 'run', id), `run with ${hard}`);
    // To take back what was made takes descriptors too.
    assert.is(box.tsoci('delete', '--force', id).status, 0);
  }
  assert.is(through(['prlimit', '--nofile=16:16'], 'features').status, 0);
});

// The limit counts the processes of a user, of which nobody else has any.
test('with few processes a command works or says why not', () => {
  const user = 4_000_000 + process.pid;
  for (const most of [1, 2, 3, 4, 8]) {
    const prefix = ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups'];
    isClear(through([...prefix, 'prlimit', `--nproc=${most}:${most}`], 'features'), `${most} processes`);
  }
});

/** A command that goes on until it is killed, once `begun`. */
function begin(begun: () => boolean, ...args: string[]): ChildProcess {
  const child = spawn(tsociPath, ['--root', box.root, ...args], {
    cwd: box.bundle,
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: TIMEOUT,
  });
  eventually('it has begun', begun);
  return child;
}

function runtimeOf({ pid }: ChildProcess): number {
  const comm = (child: string) => readFileSync(`/proc/${child}/comm`, 'utf8').trim();
  const children = () => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  let found: string | undefined;
  eventually('a runtime', () => {
    found = children().find((child) => comm(child) === 'tsoci-runtime');
    return found !== undefined;
  });
  return Number(found);
}

const started = () => existsSync(join(box.rootfs, 'started'));

function forget(id: string): void {
  assert.is(box.tsoci('delete', '--force', id).status, 0);
  spawnSync('rm', ['-f', join(box.rootfs, 'started')]);
  assert.equal(box.leftovers(), []);
}

test('the launcher tells that its runtime was killed, and ends', async () => {
  const id = box.id();
  box.configure(LIVES);
  const child = begin(started, 'run', id);
  let error = '';
  child.stderr?.on('data', (data) => {
    error += data;
  });
  process.kill(runtimeOf(child), 'SIGKILL');
  assert.equal(await once(child, 'exit'), [1, null]);
  // The container holds the other end of the pipe.
  while (!error.endsWith('\n')) await once(child.stderr ?? child, 'data');
  assert.is(error, 'tsoci: the runtime has died (killed by signal 9)\n');
  assert.is(box.state(id).status, 'running');
  forget(id);
});

test('with the launcher its runtime ends; a container that runs goes on', async () => {
  const id = box.id();
  box.configure(LIVES);
  const child = begin(started, 'run', id);
  const runtime = runtimeOf(child);
  child.kill('SIGKILL');
  await once(child, 'exit');
  eventually('the runtime has ended', () => !existsSync(`/proc/${runtime}`));
  assert.is(box.state(id).status, 'running');
  forget(id);
});

test('what waits for a container ends with its launcher', async () => {
  const id = box.id();
  box.configure(LIVES);
  assert.is(box.detached('run', '--detach', id), 0);
  const child = begin(() => true, 'events', '--interval', '1m', id);
  const runtime = runtimeOf(child);
  child.kill('SIGKILL');
  await once(child, 'exit');
  eventually('the runtime has ended', () => !existsSync(`/proc/${runtime}`));
  forget(id);
});

// A hook is the launcher's child: nobody waits for it any more.
test('create that is ended while a hook runs ends the hook too, and leaves to delete only what takes hooks', async () => {
  const id = box.id();
  const hooked = join(box.directory, 'hooked');
  box.configure('true', (config) => {
    const script = `touch ${hooked}; sleep 1000`;
    const createRuntime = [{ path: '/bin/sh', args: ['sh', '-c', script, id] }];
    config.hooks = { createRuntime, poststop: [{ path: '/bin/true' }] };
  });
  const child = begin(() => existsSync(hooked), 'create', id);
  child.kill('SIGTERM');
  assert.equal(await once(child, 'exit'), [null, 'SIGTERM']);
  eventually('the hook has ended', () => !commandLines().some(({ line }) => line.includes(hooked)));
  assert.is(box.state(id).status, 'stopped');
  forget(id);
});

test('nothing is left behind', () => assert.equal(box.leftovers(), []));

test.after(() => box.close());
test.run();
