// Container and ContainerProcess: a container in steps.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { RawJson } from '../../src/cgroups/stats/stat-values.ts';
import type { Stats as RuntimeStats } from '../../src/cgroups/stats/stats.ts';
import type { Stats } from '../../src/library/index.ts';
import { commandLines, tsociPath } from '../container/harness.ts';
import { failure, makeWorld, rejection } from './support.ts';

const test = suite('library: container');
const { box, runtime, shell, nothingIsLeft } = makeWorld();
const LONG_LIVED = shell('sleep 1000');

test('create, start, wait, delete', async () => {
  const container = await runtime.create(shell('echo hello; exit 3').annotations({ 'com.example.job': '5' }));
  const { status, annotations, rootfs } = await container.state();
  assert.equal([status, annotations?.['com.example.job'], rootfs], ['created', '5', box.rootfs]);
  await container.start();
  assert.is(await text(container.stdout), 'hello\n');
  assert.is((await container.wait()).code, 3);
  assert.is((await container.state()).status, 'stopped');
  assert.equal(
    (await runtime.list()).map(({ id }) => id),
    [container.id],
  );
  await container.delete();
  await container.delete();
  nothingIsLeft();
});

test('what runs is not deleted without force', async () => {
  await using container = await runtime.create(LONG_LIVED);
  await container.start();
  assert.match((await failure(container.delete())).message, /running/);
  assert.is((await container.state()).status, 'running');
});

test('await using leaves nothing, whatever becomes of the block', async () => {
  const leave = async () => {
    await using container = await runtime.create(LONG_LIVED);
    await container.start();
    throw new Error('the block');
  };
  assert.is(((await rejection(leave())) as Error).message, 'the block');
  nothingIsLeft();
});

test('an abort of wait kills and deletes; so does that of the signal of create', async () => {
  const waited = await runtime.create(LONG_LIVED);
  await waited.start();
  const error = await rejection(waited.wait({ signal: AbortSignal.timeout(100) }));
  assert.is((error as Error).name, 'TimeoutError');
  nothingIsLeft();
  const life = new AbortController();
  const container = await runtime.create(LONG_LIVED, { signal: life.signal });
  const reason = new Error('enough');
  life.abort(reason);
  assert.is(await rejection(container.wait()), reason);
  nothingIsLeft();
});

test('pause, resume, kill', async () => {
  await using container = await runtime.create(LONG_LIVED);
  await container.start();
  await container.pause();
  assert.is((await container.state()).status, 'paused');
  await container.resume();
  const end = container.wait();
  await container.kill('SIGKILL');
  assert.equal(await end, { code: 137, signal: 'SIGKILL', reason: undefined });
  assert.is((await failure(container.kill())).command, 'kill');
});

test('exec: streams, what it is given, exit status', async () => {
  await using container = await runtime.create(LONG_LIVED);
  await container.start();
  const script = 'read line; echo "$line $NAME $PWD $(id -u):$(id -g)"; echo error >&2; exit 255';
  const process = await container.exec(['sh', '-c', script], {
    stdin: 'pipe',
    env: { NAME: 'a b' },
    cwd: '/tmp',
    user: { uid: 1, gid: 2 },
  });
  process.stdin.end('line\n');
  const [stdout, stderr] = await Promise.all([text(process.stdout), text(process.stderr)]);
  assert.equal([stdout, stderr], ['line a b /tmp 1:2\n', 'error\n']);
  assert.is((await process.wait()).code, 255);
  const { code, property, command } = await failure(container.exec(['/bin/none']));
  assert.equal([code, property, command], ['ENOENT', 'process.args[0]', 'exec']);
});

test('exec: signals, and an end by abort or dispose that cannot be refused', async () => {
  await using container = await runtime.create(LONG_LIVED);
  await container.start();
  const stubborn = ['sh', '-c', 'trap "" TERM; echo ready; sleep 1000; exit 1'] as const;
  const aborted = await container.exec(stubborn);
  await once(aborted.stdout, 'data');
  assert.is(
    ((await rejection(aborted.wait({ signal: AbortSignal.timeout(50) }))) as Error).name,
    'TimeoutError',
  );
  const killed = await container.exec(stubborn);
  await once(killed.stdout, 'data');
  killed.kill('SIGKILL');
  assert.is((await killed.wait()).signal, 'SIGKILL');
  const told = await container.exec(['sleep', '1000']);
  told.kill();
  assert.is((await told.wait()).signal, 'SIGTERM');
  {
    await using _ = await container.exec(stubborn);
  }
  const life = new AbortController();
  const bound = await container.exec(stubborn, { signal: life.signal });
  await once(bound.stdout, 'data');
  life.abort();
  assert.is(((await rejection(bound.wait())) as Error).name, 'AbortError');
  const members = JSON.parse(box.tsoci('ps', '--format', 'json', container.id).stdout);
  assert.ok(members.length > 0);
  const goOn = commandLines().filter(({ pid, line }) => members.includes(pid) && line.includes('trap'));
  assert.equal(goOn, [], 'none goes on');
});

test('streams that are no pipes', async () => {
  await using container = await runtime.create(shell('true'), { stdout: 'ignore', stderr: 'inherit' });
  assert.throws(() => container.stdout, /stdout is not a pipe/);
  assert.throws(() => container.stderr, /stderr is not a pipe/);
  assert.throws(() => container.stdin, /stdin is not a pipe/);
});

test('what was written before it ended is there for whoever reads later', async () => {
  await using container = await runtime.create(shell('echo out; echo error >&2; exec sleep 1000'));
  await container.start();
  const process = await container.exec(['sh', '-c', 'echo out; echo error >&2']);
  await process.wait();
  await container.kill('SIGKILL');
  await container.wait();
  for (const { stdout, stderr } of [container, process]) {
    await sleep(20);
    assert.equal([await text(stdout), await text(stderr)], ['out\n', 'error\n']);
  }
});

test('who is not read waits', async () => {
  await using container = await runtime.create(
    shell('dd if=/dev/zero bs=1000 count=3000; : > /done').writable(),
  );
  await container.start();
  await sleep(200);
  assert.not.ok(existsSync(join(box.rootfs, 'done')));
  container.stdout.resume();
  assert.is((await container.wait()).code, 0);
  assert.ok(existsSync(join(box.rootfs, 'done')));
});

test('stats and events, until it ends or nobody wants them', async () => {
  await using container = await runtime.create(shell('while :; do :; done'));
  await container.start();
  let last = 0;
  let count = 0;
  for await (const { cpu } of container.stats({ interval: 20 })) {
    assert.ok(cpu.usage.total >= last);
    last = cpu.usage.total;
    if (++count === 3) break;
  }
  const types = new Set<string>();
  for await (const { type, id } of container.events({ interval: 20 })) {
    assert.is(id, container.id);
    if (types.size === 0) await container.kill('SIGKILL');
    types.add(type);
  }
  assert.ok(types.has('stats'));
  assert.is((await failure(container.usage())).command, 'events');
});

/** The counters of a statistics as JSON has them. */
type Parsed<T> = T extends RawJson ? never : T extends object ? { [Key in keyof T]: Parsed<T[Key]> } : T;

test('the types of statistics are those of the runtime', () => {
  const asTold = (stats: Parsed<RuntimeStats>): Stats => stats;
  const asRead = (stats: Stats): Omit<Parsed<RuntimeStats>, 'rdma' | 'intel_rdt' | 'network_interfaces'> =>
    stats;
  assert.type(asTold, 'function');
  assert.type(asRead, 'function');
});

test('update says which limit cannot be set', async () => {
  await using container = await runtime.create(LONG_LIVED);
  await container.start();
  await container.update({});
  const { property, command } = await failure(container.update({ memory: { limit: -5 } }));
  assert.equal([property, command], ['memory.limit', 'update']);
});

test('a container of others, by its id', async () => {
  await using container = await runtime.create(LONG_LIVED);
  const other = runtime.container(container.id);
  await other.start();
  assert.is((await other.state()).status, 'running');
  await other.delete({ force: true });
  assert.is((await container.wait()).signal, 'SIGKILL');
  assert.is((await failure(other.state())).code, 'ENOENT');
});

test('sweep deletes what a killed program has left, and nothing else', async () => {
  await using kept = await runtime.create(LONG_LIVED);
  const program = spawn(
    process.execPath,
    [join(import.meta.dirname, 'abandoned.ts'), tsociPath, box.root, box.directory, box.rootfs],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const [told] = await once(program.stdout, 'data');
  const id = String(told).trim();
  assert.equal(await runtime.sweep(), [], 'it runs still');
  program.kill('SIGKILL');
  await once(program, 'exit');
  assert.is((await runtime.container(id).state()).status, 'running');
  assert.equal(await runtime.sweep(), [id]);
  assert.equal(
    (await runtime.list()).map(({ id }) => id),
    [kept.id],
  );
  await kept.delete({ force: true });
  nothingIsLeft();
});

test.after(() => box.close());
test.run();
