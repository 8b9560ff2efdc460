// tsoci serve: whom it answers, that what it answers is the same, and that nothing of a command stays with a worker.
//
// The test is in a mount namespace of its own, with an empty /run: the server of this machine, if there is one, is another's.
// While the copy of the runtime beside the launcher cannot be executed, only a server can have answered.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually, Sandbox, TIMEOUT, tsociPath } from '../container/harness.ts';

const PRIVATE = 'TSOCI_TEST_PRIVATE';
if (process.env[PRIVATE] === undefined) {
  const inside = 'mount -t tmpfs run /run && exec "$@"';
  const words = ['--mount', '--propagation', 'private', 'sh', '-c', inside, 'sh', process.execPath];
  const env = { ...process.env, [PRIVATE]: '1' };
  const { status } = spawnSync('unshare', [...words, import.meta.filename], { env, stdio: 'inherit' });
  process.exit(status ?? 1);
}

const test = suite('launcher: serve');
const box = new Sandbox();
const place = join(box.directory, 'tsoci');
const launcher = join(place, 'tsoci');
const runtime = join(place, 'tsoci-runtime');
const socket = '/run/tsoci-serve/socket';

mkdirSync(place);
chmodSync(place, 0o755);
for (const name of ['tsoci', 'tsoci-runtime', 'tsoci.node'])
  copyFileSync(join(dirname(tsociPath), name), join(place, name));

let server: ChildProcess;

function tsoci(...args: string[]) {
  return through([], ...args);
}

/** Runs the launcher behind the words of another command. */
function through(words: readonly string[], ...args: string[]) {
  const [command = '', ...rest] = [...words, launcher, '--root', box.root, ...args];
  const { status, stdout, stderr } = spawnSync(command, rest, {
    cwd: box.bundle,
    encoding: 'utf8',
    timeout: TIMEOUT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { status, stdout, stderr };
}

function workers(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const isWorker = readFileSync(`/proc/${pid}/cmdline`, 'latin1') === 'tsoci-worker\0';
        return isWorker && readFileSync(`/proc/${pid}/stat`, 'latin1').split(' ')[3] === String(server.pid);
      } catch {
        return false;
      }
    });
}

const commands = [
  ['--version'],
  ['list'],
  ['state', 'nobody'],
  ['nonsense'],
  ['features'],
  ['exec', 'nobody', 'true'],
];
const cold = commands.map((args) => tsoci(...args));

server = spawn(launcher, ['serve', '--workers', '2'], { stdio: 'ignore' });
eventually('the server listens', () => existsSync(socket));
eventually('a worker answers', () => tsoci('list').status === 0 && workers().length === 2);
chmodSync(runtime, 0o644);

test('what it answers is what a runtime of the caller answers', () => {
  commands.forEach((args, i) => {
    assert.equal(tsoci(...args), cold[i], args.join(' '));
  });
});

test('a container in its life: run, create, start, exec, kill, delete', () => {
  box.configure('echo hello; exit 3');
  assert.equal(tsoci('run', box.id()), { status: 3, stdout: 'hello\n', stderr: '' });
  const id = box.id();
  box.configure('sleep 1000');
  for (const words of [
    ['create', id],
    ['start', id],
  ])
    assert.is(
      spawnSync(launcher, ['--root', box.root, ...words], { cwd: box.bundle, stdio: 'ignore' }).status,
      0,
    );
  assert.is(tsoci('exec', id, 'echo', 'in').stdout, 'in\n');
  assert.is(JSON.parse(tsoci('state', id).stdout).status, 'running');
  assert.is(tsoci('delete', '--force', id).status, 0);
});

// Seen without the caller's umask in the worker: the modes of the server's.
test('files that the runtime makes have the umask of the caller', () => {
  const file = (umask: string, name: string) => {
    const [id, path] = [box.id(), join(box.directory, name)];
    box.configure('true');
    const words = ['sh', '-c', `umask ${umask}; exec "$@"`, 'sh'];
    assert.is(through(words, 'run', '--pid-file', path, id).status, 0);
    return statSync(path).mode & 0o777;
  };
  assert.is(file('0077', 'private'), 0o600);
  assert.is(file('0000', 'open'), 0o644);
});

const strangers: [who: string, words: string[]][] = [
  ['another user', ['setpriv', '--reuid', '1000', '--clear-groups']],
  ['who has fewer groups', ['setpriv', '--groups', '7']],
  ['who has fewer capabilities', ['setpriv', '--bounding-set', '-chown']],
  ['who may gain no privileges', ['setpriv', '--no-new-privs']],
  ['who is in another network namespace', ['unshare', '--net']],
  ['who is in another mount namespace', ['unshare', '--mount']],
];
for (const [who, words] of strangers) {
  test(`${who} is not served`, () => {
    const { status, stderr } = through(words, 'list');
    assert.is(status, 1);
    // So it went cold.
    assert.match(stderr, /execute .*tsoci-runtime: EACCES/);
  });
}

test('a launcher of another build is not served', () => {
  const other = join(box.directory, 'other');
  mkdirSync(other);
  copyFileSync(launcher, join(other, 'tsoci'));
  const { stderr } = spawnSync(join(other, 'tsoci'), ['list'], { encoding: 'utf8', timeout: TIMEOUT });
  assert.match(stderr, /execute tsoci-runtime, beside tsoci/);
});

test('who comes when all workers are busy does not wait', () => {
  box.configure('sleep 3');
  const busy = [box.id(), box.id()].map((id) =>
    spawn(launcher, ['--root', box.root, 'run', id], { cwd: box.bundle, stdio: 'ignore' }),
  );
  const ids = () => readdirSync(box.root).filter((name) => existsSync(join(box.root, name, 'state.json')));
  eventually('both run', () => ids().length === 2);
  const { stderr } = tsoci('list');
  assert.match(stderr, /execute .*tsoci-runtime: EACCES/);
  eventually('both have ended', () => busy.every(({ exitCode }) => exitCode === null) || ids().length === 0);
  eventually('served again', () => tsoci('list').status === 0);
});

test('a worker that is killed is replaced', () => {
  const [pid = 0] = workers();
  chmodSync(runtime, 0o755);
  process.kill(pid, 'SIGKILL');
  eventually('two again', () => workers().filter((other) => other !== pid).length === 2);
  chmodSync(runtime, 0o644);
  eventually('they answer', () => tsoci('list').status === 0);
});

test('of a create whose caller is killed in a hook only what delete needs is left, and the worker serves on', () => {
  const id = box.id();
  box.configure('true', (config) => {
    config.hooks = { createRuntime: [{ path: '/bin/sleep', args: ['sleep', '2'] }] };
  });
  const child = spawn(launcher, ['--root', box.root, 'create', id], { cwd: box.bundle, stdio: 'ignore' });
  eventually('the hook runs', () => existsSync(join(box.root, id, 'state.json')));
  child.kill('SIGKILL');
  eventually('they answer', () => tsoci('list').status === 0);
  // The poststop hooks are still to run, if hooks were begun.
  eventually('it is gone', () => {
    tsoci('delete', '--force', id);
    return !existsSync(join(box.root, id));
  });
});

test('a worker has as many descriptors after many commands as after few', () => {
  const open = () => workers().map((pid) => readdirSync(`/proc/${pid}/fd`).length);
  for (let i = 0; i < 10; i++) tsoci('list');
  // One that has just answered has some to close.
  const most = Math.max(...open());
  for (let i = 0; i < 60; i++) tsoci('--log', join(box.directory, 'log'), i % 2 ? 'list' : 'nonsense');
  eventually('no more are open', () => open().every((count) => count <= most));
});

test('SIGTERM ends it, its workers and its socket; then callers have runtimes of their own', () => {
  const all = workers();
  server.kill('SIGTERM');
  eventually('the socket is gone', () => !existsSync(socket));
  eventually('the workers are gone', () => all.every((pid) => !existsSync(`/proc/${pid}`)));
  chmodSync(runtime, 0o755);
  assert.equal(tsoci('list'), cold[1]);
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => {
  server.kill('SIGTERM');
  box.close();
});
test.run();
