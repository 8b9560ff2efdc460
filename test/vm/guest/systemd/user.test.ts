// The systemd cgroup manager of an ordinary user: scopes that the user's own systemd makes, in a cgroup delegated to it.

import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { commandLine, eventually, makeBundle } from '../../../cgroups/guest.ts';
import { patience } from '../../../patience.ts';
import { run } from '../smoke.ts';

const MIB = 1 << 20;
const UID = 1000;
const RUNTIME_DIRECTORY = `/run/user/${UID}`;
const MANAGER = `/user.slice/user-${UID}.slice/user-manager.service`;
const SCOPE = 'tsoci-owned.scope';
const CGROUP = `${MANAGER}/user.slice/${SCOPE}`;
const DIRECTORY = `/sys/fs/cgroup${CGROUP}`;
const ID = 'owned';

const mapping = [{ containerID: 0, hostID: UID, size: 1 }];
const linux = {
  namespaces: ['user', 'pid', 'mount'].map((type) => ({ type })),
  uidMappings: mapping,
  gidMappings: mapping,
};

/** Runs a command as the user, from within the user's part of the cgroup tree, as a login session would. */
function asUser(...words: string[]): { status: number | null; output: string } {
  const script =
    'echo $$ >"$0/cgroup.procs" && exec setpriv --reuid 1000 --regid 1000 --clear-groups "$@" 2>&1';
  const { status, stdout } = spawnSync(
    'sh',
    ['-c', script, `/sys/fs/cgroup${MANAGER}/init.scope`, ...words],
    {
      env: { PATH: process.env.PATH, HOME: '/home/user', XDG_RUNTIME_DIR: RUNTIME_DIRECTORY },
      encoding: 'utf8',
      timeout: patience(60_000),
    },
  );
  return { status, output: stdout.trim() };
}

function succeeds(...words: string[]): string {
  const { status, output } = asUser(...words);
  assert.is(status, 0, `${words.join(' ')}: ${output}`);
  return output;
}

function tsoci(...args: string[]): string {
  const [executable, words] = commandLine('tsoci', ['--systemd-cgroup', ...args]);
  // Its output is a file: the container keeps it open.
  return succeeds(
    'sh',
    '-c',
    '"$@" >"$0" 2>&1; status=$?; cat "$0"; exit $status',
    `${RUNTIME_DIRECTORY}/output`,
    executable,
    ...words,
  );
}

const file = (name: string) => readFileSync(join(DIRECTORY, name), 'utf8').trim();
const property = (name: string) =>
  succeeds('systemctl', '--user', 'show', '--value', '--property', name, SCOPE);

test.before(() => {
  mkdirSync(dirname(RUNTIME_DIRECTORY), { recursive: true });
  mkdirSync(RUNTIME_DIRECTORY, { mode: 0o700 });
  chownSync(RUNTIME_DIRECTORY, UID, UID);
  // user@.service without PAM, which the guest has not got.
  const properties = ['Type=notify', 'User=user', 'Delegate=yes', 'DefaultDependencies=no', 'KillMode=mixed'];
  run(
    'systemd-run',
    '--unit=user-manager',
    `--slice=user-${UID}.slice`,
    `--setenv=XDG_RUNTIME_DIR=${RUNTIME_DIRECTORY}`,
    ...properties.map((each) => `--property=${each}`),
    '/lib/systemd/systemd',
    '--user',
  );
});
test.after(() => {
  run('systemctl', 'stop', 'user-manager.service');
});

test('a scope of the user, its limits, update, pause, exec, delete', async () => {
  const bundle = makeBundle({
    script: 'exec sleep 1000',
    resources: { memory: { limit: 64 * MIB }, pids: { limit: 40 }, cpu: { quota: 50_000, period: 100_000 } },
    linux,
  });
  tsoci('run', '--detach', '--bundle', bundle, ID);
  const { pid } = JSON.parse(tsoci('state', ID));
  assert.match(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), `0::${CGROUP}\n`);
  assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), /^Uid:\t1000\t/m);
  assert.is(file('memory.max'), String(64 * MIB));
  assert.is(file('pids.max'), '40');
  assert.is(file('cpu.max'), '50000 100000');
  assert.is(property('MemoryMax'), String(64 * MIB));

  tsoci('update', '--memory', '72m', ID);
  assert.is(file('memory.max'), String(72 * MIB));
  assert.is(property('MemoryMax'), String(72 * MIB));
  tsoci('pause', ID);
  assert.match(file('cgroup.events'), 'frozen 1');
  tsoci('resume', ID);
  assert.match(tsoci('exec', ID, 'cat', '/proc/self/cgroup'), `0::${CGROUP}`);

  tsoci('delete', '--force', ID);
  await eventually('the scope is gone', () => property('LoadState') === 'not-found');
  assert.not(existsSync(DIRECTORY));
  rmSync(bundle, { recursive: true });
});

test('without a manager of the user: an error that says how to have one', () => {
  const bundle = makeBundle({ script: 'true', linux });
  const [executable, args] = commandLine('tsoci', ['--systemd-cgroup', 'run', '--bundle', bundle, ID]);
  const { status, output } = asUser(
    'env',
    'XDG_RUNTIME_DIR=/home/user',
    executable,
    '--root',
    `${RUNTIME_DIRECTORY}/t`,
    ...args,
  );
  assert.is(status, 1);
  assert.match(
    output,
    /reach systemd: connect to \/home\/user\/systemd\/private: ENOENT.*loginctl enable-linger/,
  );
  rmSync(bundle, { recursive: true });
});

test.run();
