// Runtime.run: a container from its beginning to its end.

import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Runtime } from '../../src/library/index.ts';
import { failure, makeWorld, rejection } from './support.ts';

const test = suite('library: run');
const { box, runtime, log, shell, nothingIsLeft } = makeWorld();
/** More than the buffers of a pipe or a socket hold. */
const LONG = 3_000_000;

test('exit status, standard output and standard error', async () => {
  const result = await runtime.run(shell('echo out; echo error >&2; exit 7'));
  const end = { code: 7, signal: undefined, reason: undefined };
  assert.equal(result, { ...end, stdout: 'out\n', stderr: 'error\n' });
  nothingIsLeft();
});

test('the signal that killed it', async () => {
  const { code, signal } = await runtime.run(
    shell('kill -KILL $$').with(({ linux }) => {
      // Process 1 of a pid namespace cannot kill itself.
      linux.namespaces = linux.namespaces?.filter(({ type }) => type !== 'pid') ?? [];
    }),
  );
  assert.equal([code, signal], [137, 'SIGKILL']);
});

test('who has killed it, where it was the filter', async () => {
  const mkdir = shell('').args('/bin/busybox', 'mkdir', '/tmp/new');
  const filtered = mkdir.seccomp({
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_KILL_PROCESS' }],
  });
  const { signal, reason } = await runtime.run(filtered);
  assert.is(signal, 'SIGSYS');
  assert.match(reason ?? '', /was killed by SIGSYS: linux\.seccomp does not allow/);
  assert.ok(log.some(({ level, message }) => level === 'warning' && message === reason));
});

test('input of each kind goes in, whole', async () => {
  const cat = shell('cat');
  assert.is((await runtime.run(cat, { input: 'text' })).stdout, 'text');
  assert.is((await runtime.run(cat, { input: Buffer.from('bytes') })).stdout, 'bytes');
  const long = Readable.from(Array.from({ length: LONG / 1000 }, () => Buffer.alloc(1000, 'x')));
  assert.is((await runtime.run(cat, { input: long })).stdout, 'x'.repeat(LONG));
});

test('input that the container does not read is no error', async () => {
  const { code } = await runtime.run(shell('exit 0'), { input: Buffer.alloc(LONG) });
  assert.is(code, 0);
});

test('output that is too long ends it', async () => {
  const { message } = await failure(runtime.run(shell('cat /dev/zero'), { maxOutput: 10_000 }));
  assert.is(message, 'the container has written more than 10000 bytes');
  nothingIsLeft();
});

test('a time-out ends it, and nothing is left by then', async () => {
  const error = await rejection(runtime.run(shell('sleep 1000'), { timeout: 300 }));
  assert.is((error as Error).name, 'TimeoutError');
  nothingIsLeft();
});

test('an abort before, while it is created, and while it runs', async () => {
  const reason = new Error('enough');
  assert.is(await rejection(runtime.run(shell('true'), { signal: AbortSignal.abort(reason) })), reason);

  const hook = join(box.directory, 'hook');
  writeFileSync(hook, `#!/bin/sh\n: > ${hook}.runs\nexec sleep 1000\n`);
  chmodSync(hook, 0o755);
  const held = shell('true').with((config) => {
    config.hooks = { createRuntime: [{ path: hook }] };
  });
  const creating = new AbortController();
  const created = rejection(runtime.run(held, { signal: creating.signal }));
  while (!existsSync(`${hook}.runs`)) await sleep(10);
  creating.abort(reason);
  assert.is(await created, reason);
  nothingIsLeft();

  const running = new AbortController();
  const ran = rejection(runtime.run(shell('echo; sleep 1000'), { signal: running.signal }));
  setTimeout(() => running.abort(reason), 200);
  assert.is(await ran, reason);
  nothingIsLeft();
});

test('many at once', async () => {
  const numbers = Array.from({ length: 8 }, (_, i) => String(i));
  const results = await Promise.all(numbers.map((number) => runtime.run(shell(`echo ${number}`))));
  assert.equal(
    results.map(({ stdout }) => stdout.trim()),
    numbers,
  );
  nothingIsLeft();
});

test('words are never read by a shell or as options', async () => {
  const words = ['--help', '$(id)', '; id', '*', "'", '\\', 'ü', ''] as const;
  const printf = shell('').args('/bin/busybox', 'printf', '[%s]', ...words);
  assert.is((await runtime.run(printf)).stdout, words.map((word) => `[${word}]`).join(''));
  const { message } = await failure(runtime.run(shell('true'), { id: '-x/../y' }));
  assert.match(message, /invalid container id/);
  assert.is((await runtime.run(shell('true'), { id: '--help' })).code, 0);
});

test('what cannot be made is told in fields', async () => {
  const source = join(box.directory, 'none');
  const { step, target, errno, code, property, command } = await failure(
    runtime.run(shell('true').bind(source, '/tmp')),
  );
  assert.equal([step, target, errno, code], [`bind ${source} on /tmp`, '/tmp', 2, 'ENOENT']);
  assert.equal([property, command], ['mounts[7]', 'create']);
  const invalid = await failure(runtime.run(shell('true').cwd('tmp')));
  assert.is(invalid.property, 'process.cwd');
  nothingIsLeft();
});

test('an executable that is not there', async () => {
  const none = new Runtime({ executable: '/nowhere/tsoci' });
  for (const promise of [none.version(), none.run(shell('true'))]) {
    const { message, code, target, hint } = await failure(promise);
    assert.match(message, /^execute \/nowhere\/tsoci: ENOENT; is tsoci installed\?/);
    assert.equal([code, target], ['ENOENT', '/nowhere/tsoci']);
    assert.match(hint ?? '', /new Runtime/);
  }
});

test('what the runtime is', async () => {
  assert.match(await runtime.version(), /^\d+\.\d+\.\d+/);
  assert.is((await runtime.features()).ociVersionMax, '1.3.0');
});

test.after(() => box.close());
test.run();
