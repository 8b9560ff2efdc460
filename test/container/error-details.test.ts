// --log-format json: the parts of an error in fields of their own, for programs.

import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Change, Sandbox } from './harness.ts';

const test = suite('error details');
const box = new Sandbox();

/** What the last line of the log tells beside level, msg and time. */
function detailsOf(...args: string[]): Record<string, unknown> {
  const { stderr } = box.tsoci('--log-format', 'json', ...args);
  const last = stderr.trim().split('\n').at(-1) ?? '';
  const { level, msg, time, ...details } = JSON.parse(last);
  assert.equal([level, typeof msg, typeof time], ['error', 'string', 'string']);
  assert.equal(box.leftovers(), []);
  return details;
}

function detailsOfRun(change: Change): Record<string, unknown> {
  box.configure('true', change);
  return detailsOf('run', box.id());
}

test('of a container that is not there', () => {
  assert.equal(detailsOf('state', 'none'), { errno: 2, code: 'ENOENT' });
});

test('of a config that is not valid: the property', () => {
  const details = detailsOfRun(({ process }) => {
    process.cwd = 'tmp';
  });
  assert.equal(details, { property: 'process.cwd' });
});

test('of a mount: step, target, errno and property', () => {
  const details = detailsOfRun(({ mounts }) => {
    mounts?.push({
      destination: '/data',
      type: 'none',
      source: join(box.directory, 'none'),
      options: ['bind'],
    });
  });
  const { step, target, errno, code, property } = details;
  assert.match(String(step), /none/);
  assert.match(String(target), /^\/(data|.*none)$/);
  assert.equal([errno, code], [2, 'ENOENT']);
  assert.match(String(property), /^mounts\[7\]/);
});

test('of an executable: the property', () => {
  const { code, property } = detailsOfRun(({ process }) => {
    process.args = ['/bin/none'];
  });
  assert.equal([code, property], ['ENOENT', 'process.args[0]']);
});

test('of a hook: which it is', () => {
  const hook = join(box.directory, 'hook');
  writeFileSync(hook, '#!/bin/sh\nexit 3\n');
  chmodSync(hook, 0o755);
  const { step, property } = detailsOfRun((config) => {
    config.hooks = { createRuntime: [{ path: hook }] };
  });
  assert.is(property, 'hooks.createRuntime[0]');
  assert.is(step, `run createRuntime hook 0 (${hook})`);
});

test.after(() => box.close());
test.run();
