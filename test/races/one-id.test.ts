// One id from many processes at once. One of them wins where only one can; the others say why not; nothing is left, and
// nobody waits for ever.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Sandbox } from '../container/harness.ts';
import { command, type Ended } from './command.ts';

const test = suite('one id');
const box = new Sandbox();
const PROCESSES = 20;
const ROUNDS = 2;

/** That many processes of the same command, at once. */
function atOnce(...args: string[]): Promise<Ended[]> {
  return Promise.all(Array.from({ length: PROCESSES }, () => command(box, args)));
}

/** How many have succeeded. The others must have said one of these. */
function winners(all: readonly Ended[], refusal: RegExp): number {
  const losers = all.filter(({ status }) => status !== 0);
  for (const { signal, stderr } of losers) {
    assert.is(signal, null, stderr);
    assert.ok(refusal.test(stderr), stderr);
  }
  return all.length - losers.length;
}

/** What a command says of a container that others have changed meanwhile. */
const CHANGED =
  /^tsoci: [^\n]*(exists already|does not exist|the container (is|has) \w+|does not wait)[^\n]*\n$/;

/** A test, some times over, each with an id of its own, after which nothing may be left of it. */
function repeated(name: string, body: (id: string) => Promise<void>): void {
  test(name, async () => {
    box.configure('sleep 1000');
    for (let round = 0; round < ROUNDS; round++) {
      await body(box.id());
      assert.equal(box.leftovers(), []);
    }
  });
}

const create = (id: string) => ['create', '--bundle', box.bundle, id];

repeated('create: one makes the container, and to the others it exists', async (id) => {
  assert.is(winners(await atOnce(...create(id)), /^tsoci: container with id \S+ exists already\n$/), 1);
  assert.is(box.state(id).status, 'created');
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

repeated('start: one starts it, and to the others it is running', async (id) => {
  assert.is((await command(box, create(id))).status, 0);
  assert.is(
    winners(await atOnce('start', id), /^tsoci: start \S+: the container is running, not created\n$/),
    1,
  );
  assert.is(box.state(id).status, 'running');
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

repeated('kill, then delete --force: each finds it, or not any more', async (id) => {
  assert.is((await command(box, create(id))).status, 0);
  assert.is((await command(box, ['start', id])).status, 0);
  assert.ok(winners(await atOnce('kill', id, 'KILL'), CHANGED) > 0);
  assert.ok(winners(await atOnce('delete', '--force', id), /^tsoci: container \S+ does not exist\n$/) > 0);
});

repeated('create while others delete it: it is there or it is not', async (id) => {
  const half = PROCESSES / 2;
  const all = await Promise.all(
    Array.from({ length: half }, () => [
      command(box, create(id)),
      command(box, ['delete', '--force', id]),
    ]).flat(),
  );
  for (const { status, signal, stderr } of all) {
    // A `create` that is at work ends by the signal of `delete`.
    if (status === 0 || signal === 'SIGTERM') continue;
    assert.ok(CHANGED.test(stderr), stderr);
  }
  const { status, stderr } = await command(box, ['delete', '--force', id]);
  assert.ok(status === 0 || CHANGED.test(stderr), stderr);
});

repeated('exec while it is deleted', async (id) => {
  assert.is((await command(box, create(id))).status, 0);
  assert.is((await command(box, ['start', id])).status, 0);
  const executed = atOnce('exec', id, '/bin/true');
  const { status, stderr } = await command(box, ['delete', '--force', id]);
  assert.is(status, 0, stderr);
  // A program that has begun is killed with the container.
  for (const ended of await executed) if (ended.status !== 137) winners([ended], CHANGED);
});

repeated('all kinds of commands', async (id) => {
  const kinds = [
    create(id),
    ['start', id],
    ['exec', id, '/bin/true'],
    ['state', id],
    ['ps', id],
    ['pause', id],
    ['resume', id],
    ['kill', id, 'KILL'],
    ['delete', id],
    ['delete', '--force', id],
  ];
  const all = await Promise.all([...kinds, ...kinds].map((args) => command(box, args)));
  for (const { status, signal, stderr } of all) {
    if (status === 0 || status === 137 || signal === 'SIGTERM') continue;
    assert.is(signal, null);
    assert.match(stderr, /^tsoci: [^\n]+\n$/);
    assert.not.match(stderr, /internal error/);
  }
  const { status, stderr } = await command(box, ['delete', '--force', id]);
  assert.ok(status === 0 || CHANGED.test(stderr), stderr);
});

test.after(() => box.close());
test.run();
