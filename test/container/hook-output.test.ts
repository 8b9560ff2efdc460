// What hooks write: never the container's output, and in the error when one fails.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Hook } from '../../src/config/generated/types.ts';
import { Sandbox } from './harness.ts';

const test = suite('output of hooks');
const box = new Sandbox();

function hook(script: string, timeout?: number): Hook {
  const args = ['sh', '-c', script];
  return { path: '/bin/sh', args, env: ['PATH=/usr/bin:/bin'], ...(timeout !== undefined && { timeout }) };
}

test('it is not in the output of the container, whichever the kind', () => {
  const loud = hook('echo HOOK; echo HOOK >&2; echo HOOK >/dev/stdout; echo HOOK >/dev/stderr');
  box.configure('echo container', (config) => {
    config.hooks = {
      prestart: [loud],
      createRuntime: [loud],
      createContainer: [loud],
      startContainer: [loud],
      poststart: [loud],
      poststop: [loud],
    };
  });
  const { status, stdout, stderr } = box.tsoci('run', box.id());
  assert.equal([status, stdout, stderr], [0, 'container\n', '']);
});

for (const [what, script, told] of [
  [
    'both streams, in their order',
    'echo one; echo two >&2; exit 3',
    /exit status 3; its output: "one\\ntwo"$/,
  ],
  ['nothing', 'exit 3', /exit status 3$/],
  ['what a terminal would obey is quoted', 'printf "a\\033[2J"; exit 3', /its output: "a\\u001b\[2J"$/],
  ['of much the end', 'seq 100000; echo end; exit 3', /its output: …".*99999\\n100000\\nend"$/],
  ['a signal', 'echo one; kill -KILL $$', /killed by SIGKILL; its output: "one"$/],
] as const) {
  test(`it is in the error of a hook that fails: ${what}`, () => {
    box.configure('true', (config) => {
      config.hooks = { createRuntime: [hook(script)] };
    });
    const { status, stdout, stderr } = box.tsoci('run', box.id());
    assert.equal([status, stdout], [1, '']);
    assert.match(stderr.trimEnd(), /^tsoci: createRuntime hook 0 \(\/bin\/sh\): /);
    assert.match(stderr.trimEnd(), told);
    assert.ok(stderr.length < 2000, `${stderr.length}`);
  });
}

test('it is in the error of one that is killed after its timeout, also if it never stops to write', () => {
  for (const [script, told] of [
    ['echo waiting; sleep 1000', /killed after its timeout of 1 s; its output: "waiting"$/],
    ['while :; do echo more; done', /killed after its timeout of 1 s; its output: …".*(more\\n){20}/],
  ] as const) {
    box.configure('true', (config) => {
      config.hooks = { createContainer: [hook(script, 1)] };
    });
    const { status, stderr } = box.tsoci('run', box.id());
    assert.is(status, 1);
    assert.match(stderr.trimEnd(), told);
  }
});

test('it is in the warning about a poststop hook', () => {
  box.configure('true', (config) => {
    config.hooks = { poststop: [hook('echo late; false')] };
  });
  const { status, stderr } = box.tsoci('run', box.id());
  assert.is(status, 0);
  assert.match(stderr, /warning: poststop hook 0 .*: exit status 1; its output: "late"\n$/);
});

// The child holds on to the pipe.
test('who a hook leaves behind is not waited for', () => {
  box.configure('true', (config) => {
    config.hooks = { createRuntime: [hook('sleep 3 & exit 0')] };
  });
  const start = performance.now();
  assert.is(box.tsoci('run', box.id()).status, 0);
  assert.ok(performance.now() - start < 2500);
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
