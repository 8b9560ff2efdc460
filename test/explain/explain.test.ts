// tsoci explain and tsoci diff: what confines a process, and where two sides differ.

import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Config } from '../../src/config/generated/types.ts';
import { configFacts } from '../../src/explain/config-facts.ts';
import { compareFacts, type Fact } from '../../src/explain/facts.ts';
import { Sandbox, TIMEOUT, tsociPath, userNamespace } from '../container/harness.ts';

const test = suite('explain');
const box = new Sandbox();

interface Difference {
  name: string;
  left?: Fact;
  right?: Fact;
}

/** Starts a container, and returns its id. */
function start(change: Parameters<Sandbox['configure']>[1]): string {
  const id = box.id();
  box.configure('', (config) => {
    // No shell in between: it would execute sleep with an environment of its own.
    config.process.args = ['/bin/sleep', '1000'];
    change?.(config);
  });
  assert.is(box.detached('run', '--detach', id), 0);
  return id;
}

function explained(id: string, ...options: string[]) {
  const { status, stdout, stderr } = box.tsoci('explain', '--json', ...options, id);
  assert.is(status, 0, stderr);
  return JSON.parse(stdout) as {
    facts: Record<string, Fact>;
    drift: Difference[];
    hostUid: number;
    hostFiles: { fd: number; path: string }[];
    namespaces: { type: string; whose: string }[];
  };
}

test('a container is what its config.json says, by the kernel', () => {
  const id = start((config) => {
    userNamespace(config);
    config.process.user = { uid: 7, gid: 8, additionalGids: [9, 10], umask: 0o27 };
    config.process.noNewPrivileges = true;
    config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 200 }];
    config.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW' };
    config.mounts?.push({ destination: '/tmp', type: 'tmpfs', options: ['ro', 'nosuid'] });
  });
  const { facts, drift, hostUid, namespaces } = explained(id);
  assert.equal(drift, []);
  assert.is(hostUid, 100_007);
  assert.is(facts['process.user.uid'], '7');
  assert.equal(facts['process.user.additionalGids'], ['10', '9']);
  assert.is(facts['process.user.umask'], '0027');
  assert.is(facts['process.rlimits.RLIMIT_NOFILE'], '100 200');
  assert.is(facts['linux.seccomp'], 'filter');
  assert.equal(facts['mounts["/tmp"].options'], ['nosuid', 'ro']);
  assert.is(namespaces.find(({ type }) => type === 'user')?.whose, 'own');
  assert.is(namespaces.find(({ type }) => type === 'time')?.whose, 'host');
  box.tsoci('delete', '--force', id);
});

test('what was changed after create is drift: a limit, a mount', () => {
  const id = start((config) => {
    config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 200 }];
  });
  const { pid } = box.state(id);
  assert.is(spawnSync('prlimit', [`--pid=${pid}`, '--nofile=50:200']).status, 0);
  const entered = ['-t', String(pid), '-m', '/bin/busybox', 'mount', '-t', 'tmpfs', 'none', '/root'];
  assert.is(spawnSync('nsenter', entered).status, 0);
  const { drift } = explained(id);
  assert.equal(drift, [
    { name: 'mounts["/root"]', right: 'tmpfs' },
    { name: 'process.rlimits.RLIMIT_NOFILE', left: '100 200', right: '50 200' },
  ]);
  const text = box.tsoci('explain', id).stdout;
  assert.match(text, /\nDIFFERS FROM CONFIG\.JSON\n.*\n {2}mounts\["\/root"\]\n {4}\+ tmpfs\n/);
  box.tsoci('delete', '--force', id);
});

test('an open file of the host is named, and what two containers share', () => {
  const id = box.id();
  box.configure('sleep 1000');
  const state = ['--root', box.root, 'run', '--detach', '--bundle', box.bundle, id];
  const script = 'exec "$0" "$@" >/dev/null 2>&1 </etc/hostname';
  assert.is(spawnSync('sh', ['-c', script, tsociPath, ...state], { timeout: TIMEOUT }).status, 0);
  const { pid } = box.state(id);
  const other = start(({ linux }) => {
    const ipc = linux.namespaces?.find(({ type }) => type === 'ipc');
    if (ipc) ipc.path = `/proc/${pid}/ns/ipc`;
  });
  assert.equal(
    explained(id).hostFiles.filter(({ path }) => path === '/etc/hostname'),
    [{ fd: 0, path: '/etc/hostname' }],
  );
  const { namespaces } = explained(other, '--against', id);
  assert.equal(
    namespaces.filter(({ whose }) => whose === 'shared').map(({ type }) => type),
    ['ipc'],
  );
  for (const each of [other, id]) box.tsoci('delete', '--force', each);
});

test('two configurations are compared by what they mean', () => {
  const base = {
    ociVersion: '1.3.0',
    process: { cwd: '/', args: ['sh'], env: ['A=1', 'A=2', 'B=3'] },
  } as Config;
  const same = {
    ...base,
    process: {
      ...base.process,
      user: { uid: 0, gid: 0 },
      cwd: '//',
      env: ['B=3', 'A=2'],
      noNewPrivileges: false,
    },
  } as Config;
  assert.equal(compareFacts(configFacts(base), configFacts(same)), []);
  for (const [name, config] of [
    ['works', base],
    ['fails', { ...base, linux: { namespaces: [{ type: 'ipc' }] } }],
  ] as const) {
    mkdirSync(join(box.directory, name));
    writeFileSync(join(box.directory, name, 'config.json'), JSON.stringify(config));
  }
  const { status, stdout } = box.tsociWith({ cwd: box.directory }, 'diff', './works', './fails');
  assert.is(status, 1);
  assert.is(stdout, 'linux.namespaces.ipc\n  - host\n  + own\n');
  assert.is(box.tsociWith({ cwd: box.directory }, 'diff', './works', './works').status, 0);
});

test('capabilities of a configuration are those after execve', () => {
  const capabilities = { bounding: ['CAP_KILL', 'CAP_CHOWN'], permitted: ['CAP_KILL'], effective: [] };
  const facts = (process: object) =>
    configFacts({ ociVersion: '1.3.0', process: { cwd: '/', capabilities, ...process } } as Config);
  const effective = 'process.capabilities.effective';
  assert.equal(facts({}).get(effective), ['CAP_KILL', 'CAP_CHOWN'], 'root has its bounding set');
  assert.equal(
    facts({ noNewPrivileges: true }).get(effective),
    ['CAP_KILL'],
    'no_new_privs holds it to permitted',
  );
  assert.equal(facts({ user: { uid: 5, gid: 5 } }).get(effective), [], 'others have the ambient set');
});

test('who is not there is an error', () => {
  assert.match(box.tsoci('explain', '4194305').stderr, /status of process 4194305: ENOENT/);
  assert.match(box.tsoci('explain', 'nobody').stderr, /container nobody does not exist/);
  assert.match(box.tsoci('diff', './nothing', '1').stderr, /look at .*nothing: ENOENT/);
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
