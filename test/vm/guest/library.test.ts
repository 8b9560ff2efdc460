// The library where limits can be had: set, changed, told by stats and events, and why a process was killed by them.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makeWorld } from '../../library/support.ts';

const test = suite('library: limits');
const { box, runtime, shell, nothingIsLeft } = makeWorld();
const MIB = 1 << 20;
const limited = (script: string) => shell(script).limits({ memory: 32 * MIB, cpus: 0.5, pids: 16 });

test('limits are set, changed and told', async () => {
  await using container = await runtime.create(limited('sleep 1000'));
  await container.start();
  const { memory, pids, cpu } = await container.usage();
  assert.equal([memory.usage?.limit, pids.limit], [32 * MIB, 16]);
  assert.ok((cpu.throttling.periods ?? -1) >= 0);
  await container.update({ pids: { limit: 20 }, memory: { limit: 64 * MIB } });
  const changed = await container.usage();
  assert.equal([changed.memory.usage?.limit, changed.pids.limit], [64 * MIB, 20]);
});

test('a process that takes too much memory: the event, and the reason of its end', async () => {
  // The variable grows until the limit is met.
  const script = 'read go; x=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done';
  await using container = await runtime.create(limited(script), { stdin: 'pipe' });
  await container.start();
  const events = (async () => {
    const types = new Set<string>();
    for await (const { type } of container.events({ interval: 500 })) {
      // Somebody listens by now.
      if (types.size === 0) container.stdin.end('go\n');
      types.add(type);
    }
    return types;
  })();
  const { signal, reason } = await container.wait();
  assert.is(signal, 'SIGKILL');
  assert.match(reason ?? '', /killed by the OOM killer .*linux\.resources\.memory\.limit/);
  assert.ok((await events).has('oom'));
});

test('a bomb of processes is held', async () => {
  const { stderr } = await runtime.run(limited('i=0; while [ $i -lt 40 ]; do sleep 5 & i=$((i+1)); done'));
  assert.match(stderr, /can't fork/);
  nothingIsLeft();
});

test.after(() => box.close());
test.run();
