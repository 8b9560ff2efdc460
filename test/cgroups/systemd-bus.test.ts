// The D-Bus client and the calls to systemd, against a bus of our own.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withSystemd } from '../../src/cgroups/systemd/manager.ts';
import { variant } from '../../src/cgroups/systemd/marshal.ts';
import { removeScope } from '../../src/cgroups/systemd/transient-scope.ts';
import { eventually, Sandbox, TIMEOUT, tsociPath } from '../container/harness.ts';

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

test('a scope is stopped if it has the mark, and no other of its name', () => {
  const start = (...documentation: string[]) =>
    withSystemd(whom, (systemd) =>
      systemd.startTransientUnit('m.scope', [['Documentation', variant('as', documentation)]]),
    );
  const remove = (name: string) => {
    removeScope(whom, { name, mark: 'file:///c#1' }, undefined, undefined);
    return calls()
      .map(({ member }) => member)
      .filter((member) => !['Hello', 'Subscribe', 'AddMatch', 'StartTransientUnit'].includes(member));
  };
  start('man:a(1)', 'file:///c#1');
  assert.equal(remove('m.scope'), ['GetUnit', 'Get', 'KillUnit', 'StopUnit', 'ResetFailedUnit']);
  start('file:///c#2');
  assert.equal(remove('m.scope'), ['GetUnit', 'Get']);
  assert.equal(remove('other.scope'), ['GetUnit']);
});

test('a `create` killed while systemd makes the scope: `delete --force` stops it', async () => {
  const box = new Sandbox();
  box.configure('sleep 1000', (config) => {
    config.annotations = {
      'org.systemd.property.Description': "'stall'",
      'org.systemd.property.Documentation': "['man:a(1)']",
    };
  });
  // Root of a user namespace asks the manager of the user, which here is ours.
  const words = ['--user', '--map-root-user', tsociPath, '--root', box.root, '--systemd-cgroup'];
  const options = { env: { ...process.env, ...env }, cwd: box.bundle } as const;
  const create = async () => {
    const child = spawn('unshare', [...words, 'create', 'a'], { ...options, stdio: 'ignore' });
    const ended = once(child, 'exit');
    eventually(
      'systemd is asked',
      () => existsSync(log) && readFileSync(log, 'utf8').includes('"StartTransientUnit"'),
    );
    // The runtime too: it would take back what the launcher is no more there for.
    const { pid = 0 } = child;
    process.kill(pid, 'SIGSTOP');
    for (const runtime of readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' '))
      process.kill(Number(runtime), 'SIGKILL');
    child.kill('SIGKILL');
    assert.equal(await ended, [null, 'SIGKILL']);
    return calls().find(({ member }) => member === 'StartTransientUnit');
  };
  const remove = () => {
    const { status, stderr } = spawnSync('unshare', [...words, 'delete', '--force', 'a'], {
      ...options,
      encoding: 'utf8',
      timeout: TIMEOUT,
    });
    assert.is(stderr, '');
    assert.is(status, 0);
    assert.equal(box.leftovers(), []);
    return calls().flatMap(({ member, body }) => (member === 'StopUnit' ? body : []));
  };
  try {
    const call = await create();
    // The annotation's, then the mark: systemd adds up the values.
    const documentation = JSON.stringify(call).match(/"Documentation",\{[^}]*\}/g);
    assert.match(
      documentation?.join() ?? '',
      /man:a\(1\).*file:\/\/.*\/state\/a\/config\.json#[0-9a-f-]{36}/,
    );
    assert.equal(remove(), ['tsoci-a.scope', 'replace']);
    await create();
    withSystemd(whom, (systemd) => systemd.startTransientUnit('tsoci-a.scope', []));
    assert.equal(remove(), []);
  } finally {
    box.close();
  }
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
