// What an image or a container does to keep a command waiting: it must not keep the container from being ended.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findHierarchy } from '../../src/cgroups/hierarchy.ts';
import { processStat } from '../../src/linux/procfs.ts';
import { EXEC_FAILED, eventually, hasChild, Sandbox, tsociPath } from '../container/harness.ts';
import { attempt } from './support.ts';

const test = suite('held up');
const box = new Sandbox();
const passwd = join(box.rootfs, 'etc/passwd');

const passwds: readonly [what: string, make: () => void][] = [
  ['a FIFO', () => assert.is(spawnSync('mkfifo', [passwd]).status, 0)],
  ['a device without an end', () => symlinkSync('/dev/zero', passwd)],
  ['a socket', () => symlinkSync('/proc/self/fd/3', passwd)],
  ['a directory', () => mkdirSync(passwd)],
  [
    'a file without an end in sight',
    () => {
      writeFileSync(passwd, '');
      truncateSync(passwd, 2 ** 40);
    },
  ],
];

// Seen without O_NONBLOCK, the test for a regular file, MOST and ENXIO: `run` waited for a writer of the FIFO, read /dev/zero
// and the large file without end, and failed for the socket.
for (const [what, make] of passwds) {
  test(`an /etc/passwd that is ${what} has no users`, () => {
    rmSync(passwd, { force: true, recursive: true });
    make();
    const { status, stdout, stderr } = attempt(box, 'echo $HOME');
    assert.equal([status, stdout, stderr], [0, '/\n', '']);
    const id = box.id();
    box.configure('sleep 1000');
    assert.is(box.detached('run', '--detach', id), 0);
    assert.is(box.tsoci('exec', id, 'sh', '-c', 'echo $HOME').stdout, '/\n');
    assert.is(box.tsoci('delete', '--force', id).status, 0);
  });
}

function hasEnded(pid: number): boolean {
  const { state } = processStat(pid) ?? {};
  return state === undefined || state === 'Z';
}

/** A command that will not end by itself. */
function waiting(...args: string[]) {
  const options = { cwd: box.bundle, stdio: 'ignore', timeout: 60_000, killSignal: 'SIGKILL' } as const;
  return spawn(tsociPath, ['--root', box.root, ...args], options);
}

const hierarchy = findHierarchy();
if (!hierarchy) console.log('skipped: a cgroup that a process freezes in takes cgroup v2');
// Seen with `exec` under the lock all the time: `delete` did not end in 30 seconds.
else
  test('a process that does not come in keeps nobody from deleting the container', async () => {
    const id = box.id();
    box.configure('sleep 1000');
    assert.is(box.detached('run', '--detach', id), 0);
    // A container that manages its own cgroup could do the same.
    const frozen = join(hierarchy.mountPoint, 'tsoci', id, 'frozen');
    mkdirSync(frozen);
    writeFileSync(join(frozen, 'cgroup.freeze'), '1');
    const exec = waiting('exec', '--ignore-paused', '--cgroup', 'frozen', id, 'true');
    const ended = once(exec, 'exit');
    eventually('a frozen process', () => readFileSync(join(frozen, 'cgroup.procs'), 'utf8') !== '');
    assert.is(box.tsoci('delete', '--force', id).status, 0);
    assert.is((await ended)[0], EXEC_FAILED);
  });

// Seen with `rmdir` by paths: `delete` failed with ENAMETOOLONG, each time.
if (hierarchy)
  test('cgroups nested deeper than a path may be long are removed, with the process that is in the deepest', () => {
    const id = box.id();
    box.configure('sleep 1000');
    assert.is(box.detached('run', '--detach', id), 0);
    // A container that manages its own cgroup could do the same. `cd` fails in the end: the directory is there all the same.
    const nest = `i=0; while [ $i -lt 25 ]; do mkdir $1 && cd $1 || break; i=$((i+1)); done
      sleep 1000 </dev/null >/dev/null 2>&1 & echo $! >cgroup.procs && echo $!`;
    const { stdout, stderr } = spawnSync('sh', ['-c', nest, 'sh', 'n'.repeat(200)], {
      cwd: join(hierarchy.mountPoint, 'tsoci', id),
      encoding: 'utf8',
    });
    const pid = Number(stdout);
    assert.ok(pid > 0, stderr);
    assert.is(box.tsoci('kill', '--all', id, 'TERM').status, 0);
    eventually('the end of the process', () => hasEnded(pid));
    const { status, stderr: said } = box.tsoci('delete', '--force', id);
    assert.equal([status, said], [0, '']);
  });

// Seen with `kill` under the lock, and with `delete --force` killing only when it had it: neither ended in 30 seconds.
for (const end of [
  ['kill', 'KILL'],
  ['delete', '--force'],
]) {
  test(`a startContainer hook of the image that does not end: ${end[0]}`, async () => {
    const id = box.id();
    box.configure('true', (config) => {
      config.hooks = { startContainer: [{ path: '/bin/sleep', args: ['sleep', '1000'] }] };
    });
    assert.is(box.detached('create', id), 0);
    const { pid } = box.state(id);
    const start = waiting('start', id);
    const ended = once(start, 'exit');
    eventually('a hook', () => hasChild(start.pid, 'sleep 1000'));
    const [command = '', option = ''] = end;
    const args = command === 'kill' ? [command, id, option] : [command, option, id];
    assert.is(box.tsoci(...args).status, 0);
    assert.is((await ended)[0], 1);
    eventually('the end of init', () => hasEnded(pid));
  });
}

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
