// `run` and `exec` in the foreground: signals.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { HookKind } from '../../src/hooks/hooks.ts';
import { collect, comes, start, status } from './foreground.ts';
import { EXEC_FAILED, eventually, hasChild, Sandbox } from './harness.ts';

const test = suite('foreground');
const box = new Sandbox();
// Seen without the unblocking of SIGUSR1: it never came.
test('signals go on to the process, each once', async () => {
  const names = ['HUP', 'INT', 'QUIT', 'TERM', 'USR1', 'USR2', 'ALRM', 'CONT', 'TSTP', 'IO'];
  const traps = names.map((name) => `trap 'echo ${name}' ${name}`).join('; ');
  box.configure(`${traps}; echo ready; while [ ! -e /done ]; do sleep 0.01; done`);
  const id = box.id();
  const child = start(box, ['ignore', 'pipe', 'inherit'], 'run', id);
  const out = collect(child.stdout);
  await comes('ready', () => out.text === 'ready\n');
  let expected = 'ready\n';
  for (const name of names) {
    child.kill(`SIG${name}` as NodeJS.Signals);
    expected += `${name}\n`;
    await comes(name, () => out.text.length >= expected.length);
  }
  await sleep(50);
  box.tsoci('exec', id, 'touch', '/done');
  assert.is(await status(child), 0);
  assert.is(out.text, expected);
});

/** `run`, sent SIGTERM while a hook of that kind sleeps. */
async function endInHook(kind: HookKind, script: string): Promise<{ status: number | null; error: string }> {
  box.configure(script, (config) => {
    config.hooks = { [kind]: [{ path: '/bin/sleep', args: ['sleep', '1000'] }] };
  });
  const child = start(box, ['ignore', 'ignore', 'pipe'], 'run', box.id());
  const error = collect(child.stderr);
  await comes('the hook', () => hasChild(child.pid, 'sleep 1000'));
  child.kill('SIGTERM');
  return { status: await status(child), error: error.text };
}

// Seen with signals caught only from the start of the process on: the container was left.
for (const kind of ['createRuntime', 'poststart'] as const) {
  test(`run that is ended while a ${kind} hook runs leaves nothing`, async () => {
    const ended = await endInHook(kind, 'sleep 1000');
    assert.is(ended.status, 1);
    assert.is(ended.error, `tsoci: ${kind} hook 0 (/bin/sleep): killed after a signal to us\n`);
    assert.equal(box.leftovers(), []);
  });
}

// Seen with no signal caught from the end of the process on: the container was left.
test('run that is ended while a poststop hook runs leaves nothing', async () => {
  const ended = await endInHook('poststop', 'exit 3');
  assert.is(ended.status, 3);
  assert.match(ended.error, /poststop hook 0 .*: killed after a signal to us/);
  assert.equal(box.leftovers(), []);
});

test('exec that cannot write its pid file leaves no process', () => {
  const id = box.id();
  box.configure('sleep 1000');
  assert.is(box.detached('run', '--detach', id), 0);
  for (const detach of [[], ['--detach']]) {
    const result = box.tsoci(
      'exec',
      ...detach,
      '--pid-file',
      join(box.directory, 'no/pid'),
      id,
      'sleep',
      '999',
    );
    assert.is(result.status, EXEC_FAILED);
    assert.match(result.stderr, /write the pid file .*ENOENT/);
    eventually('one process', () => JSON.parse(box.tsoci('ps', '-f', 'json', id).stdout).length === 1);
  }
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

// Seen with exit status 0 of a stub whose reply nobody takes.
test('a program that a seccomp filter denies, and the word about it, is no success', () => {
  box.configure('true', ({ linux }) => {
    const always = { index: 0, value: 0, op: 'SCMP_CMP_NE' } as const;
    const syscalls = [
      { names: ['execve'], action: 'SCMP_ACT_ERRNO' as const, args: [always] },
      { names: ['sendto'], action: 'SCMP_ACT_ERRNO' as const },
    ];
    linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls };
  });
  assert.is(box.tsoci('run', box.id()).status, 1);
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
