// The guest that booted systemd is what the tests of the systemd cgroup driver count on.

import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { memoryLimitSeenInside, run } from '../smoke.ts';

const limit = 64 << 20;

test('systemd is process 1 and answers on D-Bus', () => {
  assert.is(readFileSync('/proc/1/comm', 'utf8').trim(), 'systemd');
  const systemd = 'org.freedesktop.systemd1';
  assert.match(
    run('busctl', 'get-property', systemd, '/org/freedesktop/systemd1', `${systemd}.Manager`, 'Version'),
    '25',
  );
});

test('systemd makes a scope', () => {
  assert.match(run('systemd-run', '--scope', '--quiet', 'cat', '/proc/self/cgroup'), /\.scope$/);
});

for (const runtime of ['runc', 'crun']) {
  test(`${runtime} applies a memory limit through systemd`, () => {
    const cgroupsPath = `system.slice:smoke:${runtime}`;
    const seen = memoryLimitSeenInside(limit, runtime, ['--systemd-cgroup'], { cgroupsPath });
    assert.is(seen, String(limit));
  });
}

test.run();
