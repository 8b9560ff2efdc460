// What comes next, by the plan.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { linesBehind, PlanAhead } from '../../src/debug/plan-ahead.ts';
import type { Operation } from '../../src/debug/protocol.ts';
import type { Line } from '../../src/trace/lines.ts';

const line = (property: string | undefined, call: string, who = 'init:'): Line => ({
  when: undefined,
  ...{ who, call, result: '0', failed: false, property, took: undefined },
});
const lines = [
  line(undefined, 'setsid()'),
  line('mounts[0]', 'fsopen("proc")'),
  line('mounts[0]', 'move_mount()'),
  line('mounts[1]', 'fsopen("tmpfs")'),
  line(undefined, 'pivot_root()'),
];
const at = (property: string | undefined): Operation => ({
  number: 1,
  ...{ role: 'init', pid: 7, text: '', doing: '', property },
});
const calls = (found: readonly Line[]) => found.map(({ call }) => call);

test('behind nothing it begins, behind a property come those that follow', () => {
  assert.equal(calls(linesBehind(lines, undefined, 2)), ['setsid()', 'fsopen("proc")']);
  assert.equal(calls(linesBehind(lines, at('mounts[0]'), 2)), ['fsopen("tmpfs")', 'pivot_root()']);
  assert.equal(calls(linesBehind(lines, at('mounts[1]'), 9)), ['pivot_root()']);
});

test('behind what is not planned nothing is known', () => {
  assert.equal(linesBehind(lines, at('mounts[9]'), 9), []);
  assert.equal(linesBehind(lines, at(undefined), 9), []);
});

test('a plan is made once for a config, and stays where it cannot be made again', async () => {
  let planned = 0;
  const ahead = new PlanAhead(async (write) => {
    if (++planned > 1) throw new Error('the cgroup is in use');
    write(lines);
  });
  for (let i = 0; i < 2; i++) assert.is((await ahead.behind(undefined, 3)).length, 3);
  assert.is(planned, 1);
  ahead.forget();
  assert.is((await ahead.behind(undefined, 3)).length, 3);
  assert.is(planned, 2);
  assert.equal(await new PlanAhead(undefined).behind(undefined, 3), []);
});

test.run();
