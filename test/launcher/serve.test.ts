// tsoci serve: whom it answers, that what it answers is the same, and that nothing of a command stays with a worker.

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually, TIMEOUT, userNamespace } from '../container/harness.ts';
import { enterPrivateRun, isGone, ServedSandbox } from './server.ts';

enterPrivateRun(import.meta.filename);

const test = suite('launcher: serve');
const box = new ServedSandbox();

const commands = [
  ['--version'],
  ['list'],
  ['state', 'nobody'],
  ['nonsense'],
  ['features'],
  ['exec', 'nobody', 'true'],
];
const cold = commands.map((args) => box.tsoci(...args));

/** What is started does not hold our pipes. */
const detached = ['sh', '-c', '"$@" >/dev/null 2>&1', 'sh'];

box.serve(2);
box.allowCold(false);

test('what it answers is what a runtime of the caller answers', () => {
  commands.forEach((args, i) => {
    assert.equal(box.tsoci(...args), cold[i], args.join(' '));
  });
});

test('a container in its life: run, create, start, exec, kill, delete', () => {
  box.configure('echo hello; exit 3');
  assert.equal(box.tsoci('run', box.id()), { status: 3, stdout: 'hello\n', stderr: '' });
  const id = box.id();
  box.configure('sleep 1000');
  for (const words of [
    ['create', id],
    ['start', id],
  ])
    assert.is(
      spawnSync(box.launcher, ['--root', box.root, ...words], { cwd: box.bundle, stdio: 'ignore' }).status,
      0,
    );
  assert.is(box.tsoci('exec', id, 'echo', 'in').stdout, 'in\n');
  assert.is(JSON.parse(box.tsoci('state', id).stdout).status, 'running');
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

// Seen without the caller's umask in the worker: the modes of the server's.
test('files that the runtime makes have the umask of the caller', () => {
  const file = (umask: string, name: string) => {
    const [id, path] = [box.id(), join(box.directory, name)];
    box.configure('true');
    const words = ['sh', '-c', `umask ${umask}; exec "$@"`, 'sh'];
    assert.is(box.through(words, 'run', '--pid-file', path, id).status, 0);
    return statSync(path).mode & 0o777;
  };
  assert.is(file('0077', 'private'), 0o600);
  assert.is(file('0000', 'open'), 0o644);
});

const inBindMount = `mkdir /run/root; mount --rbind / /run/root; chroot /run/root "$@"
  status=$?; umount --lazy /run/root; exit $status`;
const strangers: [who: string, words: string[]][] = [
  ['another user', ['setpriv', '--reuid', '1000', '--clear-groups']],
  ['who has fewer groups', ['setpriv', '--groups', '7']],
  ['who has fewer capabilities', ['setpriv', '--bounding-set', '-chown']],
  ['who may gain no privileges', ['setpriv', '--no-new-privs']],
  ['who is in another network namespace', ['unshare', '--net']],
  ['who is in another mount namespace', ['unshare', '--mount']],
  ['who is in another time namespace', ['unshare', '--time', '--fork']],
  ['who is in another pid namespace', ['unshare', '--pid', '--fork']],
  ['whose root directory is a bind mount of /', ['sh', '-c', inBindMount, 'sh']],
];
for (const [who, words] of strangers) {
  test(`${who} is not served`, () => {
    const { status, stderr } = box.through(words, 'list');
    assert.is(status, 1);
    // So it went cold.
    assert.match(stderr, /execute .*tsoci-runtime: EACCES/);
  });
}

test("namespaces that are made for a caller are no worker's, and those shown as his own are his", () => {
  const own = (kind: string) => readlinkSync(`/proc/self/ns/${kind}`);
  const namespaces = () =>
    box
      .workers()
      .map((pid) => readdirSync(`/proc/${pid}/ns`).map((kind) => readlinkSync(`/proc/${pid}/ns/${kind}`)));
  const before = namespaces();
  const look = 'readlink /proc/self/ns/net; readlink /proc/self/ns/uts; readlink /proc/self/ns/time';
  const kinds = ['--net', '--time=+1d', '--pid', '--user=root'];
  const { status, stdout, stderr } = box.tsoci('ns', 'run', ...kinds, '--', 'sh', '-c', look);
  assert.is(status, 0, stderr);
  const [net, uts, time] = stdout.trim().split('\n');
  assert.is.not(net, own('net'));
  assert.is(uts, own('uts'));
  assert.is.not(time, own('time'));
  assert.equal(namespaces(), before);
  // A caller elsewhere is told of his own namespaces, by a runtime of his own.
  box.allowCold(true);
  const [inode, host] = box
    .through(
      ['unshare', '--net'],
      'ns',
      'run',
      '--uts',
      '--',
      'sh',
      '-c',
      `${box.launcher} ns; readlink /proc/self/ns/net`,
    )
    .stdout.split('\n')
    .filter((line) => /^net/.test(line))
    .map((line) => /\d+/.exec(line)?.[0])
    .reverse();
  box.allowCold(false);
  assert.ok(inode);
  assert.is(host, inode);
  assert.is.not(`net:[${inode}]`, own('net'));
});

test('a launcher of another build is not served', () => {
  const other = join(box.directory, 'other');
  mkdirSync(other);
  copyFileSync(box.launcher, join(other, 'tsoci'));
  const { stderr } = spawnSync(join(other, 'tsoci'), ['list'], { encoding: 'utf8', timeout: TIMEOUT });
  assert.match(stderr, /execute tsoci-runtime, beside tsoci/);
});

test('a worker that is killed is replaced', () => {
  const [pid = 0] = box.workers();
  box.allowCold(true);
  process.kill(pid, 'SIGKILL');
  eventually('two again', () => box.workers().filter((other) => other !== pid).length === 2);
  box.allowCold(false);
  eventually('they answer', () => box.tsoci('list').status === 0);
});

test('of a create whose caller is killed in a hook only what delete needs is left, and the worker serves on', () => {
  const id = box.id();
  box.configure('true', (config) => {
    config.hooks = { createRuntime: [{ path: '/bin/sleep', args: ['sleep', '2'] }] };
  });
  const child = box.start('create', id);
  eventually('the hook runs', () => existsSync(join(box.root, id, 'state.json')));
  child.kill('SIGKILL');
  eventually('they answer', () => box.tsoci('list').status === 0);
  // The poststop hooks are still to run, if hooks were begun.
  eventually('it is gone', () => {
    box.tsoci('delete', '--force', id);
    return !existsSync(join(box.root, id));
  });
});

test('a worker has as many descriptors after many commands as after few', () => {
  const open = () => box.workers().map((pid) => readdirSync(`/proc/${pid}/fd`).length);
  for (let i = 0; i < 10; i++) box.tsoci('list');
  // One that has just answered has some to close.
  const most = Math.max(...open());
  for (let i = 0; i < 60; i++) box.tsoci('--log', join(box.directory, 'log'), i % 2 ? 'list' : 'nonsense');
  eventually('no more are open', () => open().every((count) => count <= most));
});

test('nor does anything stay open of commands that fail half way', () => {
  const before = box.workers();
  const id = box.id();
  box.configure('true', (config) => {
    userNamespace(config);
    const one = (_: unknown, i: number) => ({ containerID: i, hostID: 100_000 + 2 * i, size: 1 });
    config.linux.uidMappings = Array.from({ length: 340 }, one);
  });
  assert.match(box.tsoci('run', id).stderr, /uid_map: EINVAL/);
  // Its process ends before it is ready.
  box.configure('true');
  for (const command of ['create', 'start'])
    assert.is(box.through(['env', 'NOTIFY_SOCKET=/run/nobody', ...detached], command, id).status, 0);
  assert.is(box.tsoci('delete', '--force', id).status, 0);
  box.configure('nosuch', (config) => {
    config.process.args = ['/nosuch'];
  });
  assert.is(box.tsoci('run', box.id()).status, 1);
  assert.is(box.tsoci('list').status, 0);
  // A worker that has found something open ends.
  assert.equal(box.workers(), before);
});

test('SIGTERM ends it, its workers and its socket; then callers have runtimes of their own', () => {
  const all = box.workers();
  box.server.kill('SIGTERM');
  eventually('the socket is gone', () => !existsSync(box.socket) && !existsSync(`${box.socket}.status`));
  eventually('the workers are gone', () => all.every(isGone));
  box.allowCold(true);
  assert.equal(box.tsoci('--version'), cold[0]);
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
