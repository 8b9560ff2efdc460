// The D-Bus client and the calls to systemd, against a bus of our own.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withSystemd } from '../../src/cgroups/systemd/manager.ts';
import { variant } from '../../src/cgroups/systemd/marshal.ts';

const directory = mkdtempSync(join(tmpdir(), 'systemd-bus-'));
const socket = join(directory, 'bus');
const log = join(directory, 'log');
const server = spawn(process.execPath, [join(import.meta.dirname, 'systemd-fake.ts'), socket, log], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const env = { DBUS_SESSION_BUS_ADDRESS: `unix:path=${socket},guid=00`, XDG_RUNTIME_DIR: directory };
const whom = { env, uid: 1000, user: true };

const test = suite('systemd bus');
test.before(async () => {
  await once(server.stdout, 'data');
});
test.after(() => {
  server.kill('SIGKILL');
  rmSync(directory, { recursive: true });
});

function calls(): { member: string; destination: string; body: unknown[] }[] {
  const lines = readFileSync(log, 'utf8').trim().split('\n');
  rmSync(log);
  return lines.map((line) => JSON.parse(line));
}

test('a scope is started once its job is done', () => {
  const properties = [
    ['MemoryMax', variant('t', 2n ** 64n - 1n)],
    ['PIDs', variant('au', [4711])],
  ] as const;
  withSystemd(whom, (systemd) => systemd.startTransientUnit('a.scope', properties));
  const made = calls();
  assert.equal(
    made.map(({ member }) => member),
    ['Hello', 'Subscribe', 'AddMatch', 'StartTransientUnit'],
  );
  assert.equal(made[3]?.body, [
    'a.scope',
    'fail',
    [
      ['MemoryMax', { signature: 't', value: '18446744073709551615' }],
      ['PIDs', { signature: 'au', value: [4711] }],
    ],
    [],
  ]);
});

test('a job that fails is an error', () => {
  assert.throws(
    () => withSystemd(whom, (systemd) => systemd.startTransientUnit('broken.scope', [])),
    /start unit broken\.scope: the job ended as "failed"/,
  );
  calls();
});

test('what a failed unit left is cleared away', () => {
  withSystemd(whom, (systemd) => systemd.startTransientUnit('failed.scope', []));
  assert.equal(
    calls()
      .map(({ member }) => member)
      .slice(3),
    ['StartTransientUnit', 'ResetFailedUnit', 'StartTransientUnit'],
  );
});

test('stopping a unit that is gone is no error', () => {
  withSystemd(whom, (systemd) => {
    systemd.stopUnit('a.scope');
    systemd.stopUnit('gone.scope');
  });
  calls();
});

test('properties are set for this boot only', () => {
  withSystemd(whom, (systemd) => systemd.setProperties('a.scope', [['TasksMax', variant('t', 5)]]));
  const expected = ['a.scope', true, [['TasksMax', { signature: 't', value: '5' }]]];
  assert.equal(calls().at(-1)?.body, expected);
});

test('without a systemd the error says where one was looked for, and what to do', () => {
  const nowhere = { ...whom, env: { XDG_RUNTIME_DIR: '/nonexistent' } };
  assert.throws(
    () => withSystemd(nowhere, () => {}),
    /reach systemd: connect to \/nonexistent\/systemd\/private: ENOENT.*\/nonexistent\/bus: ENOENT.*--cgroup-manager cgroupfs/,
  );
});

test.run();
