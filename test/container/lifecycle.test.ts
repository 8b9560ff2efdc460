// The life cycle of runtime.md#lifecycle, driven as an engine drives it.

import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hookNames } from '../../src/config/rules/hooks.ts';
import { readRecord } from '../../src/container/state/store.ts';
import { pageSize } from '../../src/linux/page-size.ts';
import { EXEC_FAILED, eventually, Sandbox, TIMEOUT, tsociPath } from './harness.ts';

const test = suite('life cycle');
const box = new Sandbox();

test('create, start, kill, delete', () => {
  const id = box.id();
  box.configure('sleep 1000');
  assert.is(box.detached('create', id), 0);
  const created = box.state(id);
  assert.is(created.status, 'created');
  assert.is(created.bundle, box.bundle);
  assert.ok(existsSync(`/proc/${created.pid}`));
  assert.is(box.tsoci('start', id).status, 0);
  assert.is(box.state(id).status, 'running');
  assert.is(box.tsoci('kill', id, 'KILL').status, 0);
  eventually('stopped', () => box.state(id).status === 'stopped');
  assert.is(box.tsoci('delete', id).status, 0);
  assert.is(box.tsoci('state', id).status, 1);
});

test('the program does not run before start', () => {
  const id = box.id();
  box.configure('echo ran > /ran');
  assert.is(box.detached('create', id), 0);
  assert.not.ok(existsSync(join(box.rootfs, 'ran')));
  box.tsoci('start', id);
  eventually('it has run', () => existsSync(join(box.rootfs, 'ran')));
  eventually('stopped', () => box.state(id).status === 'stopped');
  assert.is(box.tsoci('delete', id).status, 0);
});

test('a waiting init takes at most five pages and holds no file of the host', () => {
  const id = box.id();
  box.configure('true');
  box.detached('create', id);
  const { pid } = box.state(id);
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  assert.ok(Number(/^Rss:\s+(\d+) kB/m.exec(rollup)?.[1]) * 1024 <= 5 * pageSize(), rollup);
  const held = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  // Its standard streams are the test's; sockets are those that it waits on.
  const others = held.filter((path) => path !== '/dev/null' && !path.startsWith('socket:'));
  assert.equal(others, []);
  assert.match(readlinkSync(`/proc/${pid}/exe`), /^\/memfd:tsoci-init \(deleted\)$/);
  assert.is(readlinkSync(`/proc/${pid}/cwd`), '/');
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

test('exec --ignore-paused waits for resume, and keeps nobody else waiting', async () => {
  const id = box.id();
  box.configure('sleep 1000');
  box.detached('create', id);
  assert.is(box.tsoci('start', id).status, 0);
  assert.is(box.tsoci('pause', id).status, 0);
  assert.match(box.tsoci('exec', id, 'true').stderr, /the container is paused/);
  const args = ['--root', box.root, 'exec', '--ignore-paused', id, 'sh', '-c', 'exit 7'];
  const child = spawn(tsociPath, args, { stdio: 'ignore', timeout: TIMEOUT });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const pids = () => JSON.parse(box.tsoci('ps', '--format', 'json', id).stdout).length;
  eventually('it is in the cgroup', () => pids() === 2);
  assert.is(box.tsoci('resume', id).status, 0);
  assert.is(await ended, 7);
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

// As runc and crun have it; the specification says nothing of it.
test('hooks of the host run in the bundle, or where tsoci is if that has gone', () => {
  const log = join(box.directory, 'directories');
  const hook = (kind: string) => [{ path: '/bin/sh', args: ['sh', '-c', `echo ${kind} $(pwd) >>${log}`] }];
  const kinds = hookNames.filter((name) => name !== 'startContainer');
  box.configure('true', (config) => {
    config.hooks = Object.fromEntries(kinds.map((kind) => [kind, hook(kind)]));
  });
  box.tsociWith({ cwd: '/' }, 'run', '--bundle', box.bundle, box.id());
  assert.is(readFileSync(log, 'utf8'), kinds.map((kind) => `${kind} ${box.bundle}\n`).join(''));
  rmSync(log);
  const link = join(box.directory, 'link');
  symlinkSync(box.bundle, link);
  const id = box.id();
  const create = ['--root', box.root, 'create', '--bundle', link, id];
  assert.is(spawnSync(tsociPath, create, { cwd: '/', stdio: 'ignore', timeout: TIMEOUT }).status, 0);
  rmSync(link);
  assert.is(box.tsociWith({ cwd: '/' }, 'delete', '--force', id).status, 0);
  assert.ok(readFileSync(log, 'utf8').endsWith('poststop /\n'));
});

test('changes to config.json after create have no effect', () => {
  const id = box.id();
  const out = join(box.rootfs, 'out');
  box.configure('echo first > /out');
  box.detached('create', id);
  box.configure('echo second > /out');
  box.tsoci('start', id);
  eventually('it has run', () => existsSync(out) && readFileSync(out, 'utf8') !== '');
  assert.is(readFileSync(out, 'utf8'), 'first\n');
  eventually('stopped', () => box.state(id).status === 'stopped');
  box.tsoci('delete', id);
});

const wrong: [string, (id: string) => void, string[], RegExp][] = [
  ['start a running container', (id) => start(id), ['start'], /running, not created/],
  ['delete a running container', (id) => start(id), ['delete'], /running, not stopped/],
  ['delete a created container', () => {}, ['delete'], /created, not stopped/],
  ['kill a stopped container', (id) => stop(id), ['kill'], /stopped/],
  ['start a stopped container', (id) => stop(id), ['start'], /stopped, not created/],
  ['exec in a stopped container', (id) => stop(id), ['exec'], /stopped/],
  ['pause a stopped container', (id) => stop(id), ['pause'], /stopped/],
  ['resume a running container', (id) => start(id), ['resume'], /running/],
];
for (const [what, prepare, [command = ''], message] of wrong) {
  test(`${what}: an error that changes nothing`, () => {
    const id = box.id();
    box.configure('sleep 1000');
    assert.is(box.detached('create', id), 0);
    prepare(id);
    const before = box.state(id);
    const extra = command === 'exec' ? ['true'] : [];
    const { status, stderr } = box.tsoci(command, id, ...extra);
    assert.is(status, command === 'exec' ? EXEC_FAILED : 1);
    assert.match(stderr, message);
    assert.equal(box.state(id), before);
    box.tsoci('delete', '--force', id);
  });
}

function start(id: string): void {
  assert.is(box.tsoci('start', id).status, 0);
}

function stop(id: string): void {
  box.tsoci('kill', id, 'KILL');
  eventually('stopped', () => box.state(id).status === 'stopped');
}

test('an id is taken until its container is deleted', () => {
  const id = box.id();
  box.configure('true');
  box.detached('create', id);
  const before = box.state(id);
  const second = box.tsoci('create', id);
  assert.is(second.status, 1);
  assert.match(second.stderr, /exists already/);
  assert.equal(box.state(id), before);
  box.tsoci('delete', '--force', id);
  assert.is(box.detached('create', id), 0);
  box.tsoci('delete', '--force', id);
});

test('a pid that another process has got does not make a container alive', () => {
  const id = box.id();
  box.configure('sleep 1000');
  box.detached('run', '--detach', id);
  const path = join(box.root, id, 'state.json');
  const record = readRecord(box.root, id);
  writeFileSync(path, JSON.stringify({ ...record, init: { ...record.init, startTime: 1 } }));
  assert.is(box.state(id).status, 'stopped');
  assert.is(box.tsoci('kill', id, 'KILL').status, 1);
  writeFileSync(path, JSON.stringify(record));
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

test('run passes the exit status on, or 128 and the signal', () => {
  box.configure('exit 7');
  assert.is(box.tsoci('run', box.id()).status, 7);
  box.configure('kill -TERM $$', ({ linux }) => {
    linux.namespaces = linux.namespaces?.filter(({ type }) => type !== 'pid') ?? [];
  });
  assert.is(box.tsoci('run', box.id()).status, 128 + 15);
});

test('run --keep leaves the container to delete', () => {
  const id = box.id();
  box.configure('true');
  assert.is(box.tsoci('run', '--keep', id).status, 0);
  assert.is(box.state(id).status, 'stopped');
  assert.is(box.tsoci('delete', id).status, 0);
});

test('hooks run in their order with the state on standard input', () => {
  const log = join(box.directory, 'hooks');
  const hook = (name: string) => ({
    path: '/bin/sh',
    args: ['sh', '-c', `echo ${name} $(sed 's/.*"status": *"\\([a-z]*\\)".*/\\1/') >> ${log}`],
    env: ['PATH=/usr/bin:/bin'],
  });
  const inside = {
    path: '/bin/sh',
    args: ['sh', '-c', 'echo startContainer $(cat) > /hooked'],
    env: ['PATH=/bin'],
  };
  box.configure('cat /hooked', (config) => {
    config.hooks = {
      prestart: [hook('prestart')],
      createRuntime: [hook('createRuntime')],
      createContainer: [hook('createContainer')],
      startContainer: [inside],
      poststart: [hook('poststart')],
      poststop: [hook('poststop')],
    };
  });
  const { status, stdout, stderr } = box.tsoci('run', box.id());
  assert.is(status, 0, stderr);
  assert.match(stdout, /^startContainer .*"status":"created"/);
  assert.equal(readFileSync(log, 'utf8').trim().split('\n'), [
    'prestart creating',
    'createRuntime creating',
    'createContainer creating',
    'poststart running',
    'poststop stopped',
  ]);
});

test('a hook that outlives its timeout is killed with its children', () => {
  // The child tells its pid in a file: it is looked for by that, once its parent is dead.
  const child = join(box.directory, 'child');
  const script = `sleep 987 & echo $! >${child}; sleep 987`;
  box.configure('true', (config) => {
    config.hooks = { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', script], timeout: 1 }] };
  });
  const { status, stderr } = box.tsoci('run', box.id());
  assert.is(status, 1);
  const pid = readFileSync(child, 'utf8').trim();
  eventually('its child is gone', () => !isRunning(pid));
  assert.match(stderr, /createRuntime hook 0 \(\/bin\/sh\): killed after its timeout of 1 s/);
});

/** Whether a process is there and no zombie: nobody may reap what a killed hook leaves. */
function isRunning(pid: string): boolean {
  const path = `/proc/${pid}/stat`;
  return existsSync(path) && !/\) Z /.test(readFileSync(path, 'latin1'));
}

test('a cgroup made under any umask is removed', () => {
  box.configure('true');
  const run = ['--root', box.root, 'run', box.id()];
  const { status, stderr } = spawnSync('sh', ['-c', 'umask 0077; exec "$@"', 'sh', tsociPath, ...run], {
    cwd: box.bundle,
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.is(status, 0, stderr);
  assert.equal(box.leftovers(), []);
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
