// `create` killed while it asks systemd for the scope: the moments are found by a relay on systemd's private socket.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { commandLine, eventually, makeBundle } from '../../../cgroups/guest.ts';
import { patience } from '../../../patience.ts';
import { run } from '../smoke.ts';
import { CGROUPS_PATH, DIRECTORY, ID, property } from './scope.ts';

const SYSTEMD = '/run/systemd/private';
const REAL = '/run/systemd-real';
const RELAY = '/run/systemd-relay';
const TRIES = 3;

/** Which message `create` does not survive: its own call, the answer to it, or the end of the job. */
const MOMENTS = ['StartTransientUnit', 'answer', 'JobRemoved'] as const;

/** Passes bytes on in both directions; calls `seen` at each moment, after what marks it was passed on. */
function relay(seen: (moment: (typeof MOMENTS)[number]) => void) {
  return createServer((client) => {
    const systemd = connect(REAL);
    let asked = false;
    client.on('data', (data) => {
      systemd.write(data);
      if (!data.includes('StartTransientUnit')) return;
      asked = true;
      seen('StartTransientUnit');
    });
    systemd.on('data', (data) => {
      client.write(data);
      if (!asked) return;
      seen('answer');
      if (data.includes('JobRemoved')) seen('JobRemoved');
    });
    for (const [from, to] of [
      [client, systemd],
      [systemd, client],
    ] as const) {
      from.on('close', () => to.destroy());
      from.on('error', () => to.destroy());
    }
  });
}

/** Whether `create` had a scope when it was killed. */
async function killCreate(bundle: string, moment: (typeof MOMENTS)[number]): Promise<boolean> {
  const [executable, args] = commandLine('tsoci', ['--systemd-cgroup', 'create', '--bundle', bundle, ID]);
  const server = relay((seen) => {
    if (seen === moment) create.kill('SIGKILL');
  }).listen(RELAY);
  await once(server, 'listening');
  run('mount', '--bind', RELAY, SYSTEMD);
  const create = spawn(executable, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: patience(60_000),
  });
  const [status, signal] = await once(create, 'exit');
  run('umount', SYSTEMD);
  server.close();
  assert.equal({ status, signal }, { status: null, signal: 'SIGKILL' });
  return property('LoadState') === 'loaded';
}

/** The runtime of the killed `create` may still be undoing through the relay, which must go on passing bytes meanwhile. */
async function deleteByForce(): Promise<void> {
  const [executable, args] = commandLine('tsoci', ['--systemd-cgroup', 'delete', '--force', ID]);
  const deletion = spawn(executable, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: patience(60_000),
  });
  assert.equal(await once(deletion, 'exit'), [0, null]);
}

for (const moment of MOMENTS)
  test(`killed at ${moment}: \`delete --force\` leaves no scope`, async () => {
    const bundle = makeBundle({ script: 'sleep 1000', linux: { cgroupsPath: CGROUPS_PATH } });
    let scopes = 0;
    for (let i = 0; i < TRIES; i++) {
      if (await killCreate(bundle, moment)) scopes++;
      await deleteByForce();
      await eventually('the scope is gone', () => property('LoadState') === 'not-found');
      assert.not(existsSync(DIRECTORY));
    }
    console.log(`# ${scopes} of ${TRIES} left a scope to delete`);
    rmSync(bundle, { recursive: true });
  });

test.before(() => {
  writeFileSync(REAL, '');
  run('mount', '--bind', SYSTEMD, REAL);
  run('mount', '--make-private', REAL); // else what is mounted over the one is over the other too
});
test.after(() => {
  run('umount', REAL);
});

test.run();
