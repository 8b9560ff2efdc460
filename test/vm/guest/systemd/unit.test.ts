// The units of the systemd cgroup manager: their names, their end, errors, and both ways to systemd.

import { spawn } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readRecord } from '../../../../src/container/state/store.ts';
import { command, eventually, makeBundle } from '../../../cgroups/guest.ts';
import { run } from '../smoke.ts';
import { CGROUPS_PATH, DIRECTORY, ID, MIB, property, resources, SCOPE, tsoci, withScope } from './scope.ts';

test('nothing is left of a container, ended or killed', () => {
  withScope({ resources }, () => {});
  withScope({ resources }, () => tsoci('kill', ID, 'KILL'));
  assert.not(existsSync(DIRECTORY));
  assert.is(property('LoadState'), 'not-found');
  assert.equal(
    readdirSync('/sys/fs/cgroup').filter((name) => name === 'tsoci'),
    [],
  );
});

test('a slice that does not exist is made, and a default name given', () => {
  const bundle = makeBundle({ script: 'cat /proc/self/cgroup', linux: { cgroupsPath: 'a-b.slice::n+1' } });
  assert.match(tsoci('run', '--bundle', bundle, ID), '0::/a.slice/a-b.slice/n\\x2b1.scope');
  rmSync(bundle, { recursive: true });
  const plain = makeBundle({ script: 'cat /proc/self/cgroup' });
  assert.match(tsoci('run', '--bundle', plain, ID), '0::/system.slice/tsoci-scoped.scope');
  rmSync(plain, { recursive: true });
});

test('a unit that exists is left alone', () => {
  withScope({}, () => {
    const bundle = makeBundle({ script: 'true', linux: { cgroupsPath: CGROUPS_PATH } });
    const { status, output } = command('tsoci', ['--systemd-cgroup', 'run', '--bundle', bundle, 'second']);
    assert.match(output, `start unit ${SCOPE}`);
    assert.is(status, 1);
    assert.is(property('ActiveState'), 'active');
    rmSync(bundle, { recursive: true });
  });
});

test('a unit that took the name of a scope that ended is left alone', async () => {
  const bundle = makeBundle({ script: 'true', linux: { cgroupsPath: CGROUPS_PATH } });
  tsoci('run', '--detach', '--bundle', bundle, ID);
  await eventually('the scope has ended', () => property('LoadState') === 'not-found');
  const other = spawn('systemd-run', ['--scope', `--unit=${SCOPE}`, 'sleep', '1000'], { stdio: 'ignore' });
  await eventually('another has its name', () => property('ActiveState') === 'active');
  tsoci('delete', '--force', ID);
  assert.is(property('ActiveState'), 'active');
  assert.is(other.exitCode, null);
  other.kill();
  await eventually('it has ended too', () => property('LoadState') === 'not-found');
  rmSync(bundle, { recursive: true });
});

test('the mark of a scope is what it was after a reload, whatever --root', () => {
  const bundle = makeBundle({ script: 'exec sleep 1000', linux: { cgroupsPath: CGROUPS_PATH } });
  const root = '/run/a %n "b"';
  tsoci('--root', root, 'run', '--detach', '--bundle', bundle, ID);
  const { unit } = readRecord(root, ID);
  run('systemctl', 'daemon-reload');
  assert.match(unit?.mark ?? '', /^file:.*\/scoped\/config\.json#.*-/);
  assert.is(property('Documentation'), unit?.mark);
  tsoci('--root', root, 'delete', '--force', ID);
  assert.is(property('LoadState'), 'not-found');
  rmSync(bundle, { recursive: true });
});

test('properties that systemd does not know are an error that names it', () => {
  const bundle = makeBundle({
    script: 'true',
    linux: { cgroupsPath: CGROUPS_PATH },
    annotations: { 'org.systemd.property.NoSuchThing': '1' },
  });
  const { output } = command('tsoci', ['--systemd-cgroup', 'run', '--bundle', bundle, ID]);
  assert.match(output, /start unit unit-scoped\.scope.*NoSuchThing/);
  rmSync(bundle, { recursive: true });
});

test('through the bus daemon', () => {
  run('mount', '--bind', '/dev/null', '/run/systemd/private');
  try {
    withScope({ resources }, () => assert.is(property('MemoryMax'), String(64 * MIB)));
    assert.not(existsSync(DIRECTORY));
  } finally {
    run('umount', '/run/systemd/private');
  }
});

test.run();
