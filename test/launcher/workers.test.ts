// The workers of `tsoci serve`: commands that last hold none that others wait for, launchers that stop do not either, and
// nothing is lost when the server ends.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { closeDescriptor } from '../../src/linux/descriptor.ts';
import { connectTo } from '../../src/linux/unix-socket.ts';
import { eventually, TIMEOUT } from '../container/harness.ts';
import { enterPrivateRun, isGone, ServedSandbox } from './server.ts';

enterPrivateRun(import.meta.filename);

const test = suite('launcher: workers');
const box = new ServedSandbox();

/** A container whose `run` goes on until `end`. */
function lasting(): { id: string; end: () => void } {
  const id = box.id();
  box.configure('sleep 1000');
  const child = box.start('run', id);
  eventually(`${id} runs`, () => box.tsoci('state', id).stdout.includes('"running"'));
  return {
    id,
    end: () => {
      box.tsoci('kill', id, 'KILL');
      eventually(`${id} has ended`, () => child.exitCode !== null || isGone(child.pid ?? 0));
    },
  };
}

test.before(() => box.serve(1));

// Seen without room made for the record: of four workers the last could not be started.
test('where /run becomes full, there are as many workers as are needed, and they are told of', () => {
  const filler = '/run/filler';
  spawnSync('mount', ['-o', 'remount,size=1m', '/run']);
  assert.throws(() => writeFileSync(filler, Buffer.alloc(2 ** 21)), /ENOSPC/);
  const all = [lasting(), lasting(), lasting(), lasting()];
  eventually('each has one', () => {
    const busy = box.status().workers.filter(({ state }) => state === 'busy');
    return all.every(({ id }) => busy.some(({ command }) => command.endsWith(` run ${id}`)));
  });
  for (const { end } of all) end();
  rmSync(filler);
  spawnSync('mount', ['-o', 'remount,size=50%', '/run']);
  // Many are idle now.
  box.stop();
  box.serve(1);
});

test('commands that last hold no worker that others wait for', () => {
  const all = [lasting(), lasting(), lasting()];
  eventually('one is free', () => {
    const { workers } = box.status();
    return workers.length === 4 && workers.filter(({ state }) => state === 'busy').length === 3;
  });
  const before = box.status().served;
  box.allowCold(false);
  for (let i = 0; i < 3; i++) assert.is(box.tsoci('list', '--quiet').status, 0);
  box.allowCold(true);
  const { served, workers } = box.status();
  assert.is(served, before + 3);
  const commands = workers.filter(({ state }) => state === 'busy').map(({ command }) => command);
  for (const { id } of all) assert.ok(commands.some((command) => command.endsWith(` run ${id}`)));
  for (const { end } of all) end();
});

test('who waits too long for a worker has a runtime of its own, and is counted', () => {
  box.allowCold(false);
  const { pid, gone } = box.status();
  for (const worker of box.workers()) process.kill(worker, 'SIGSTOP');
  const { stderr } = box.tsoci('list');
  assert.match(stderr, /execute .*tsoci-runtime: EACCES/);
  for (const worker of box.workers()) process.kill(worker, 'SIGCONT');
  eventually('it is counted', () => box.status().gone > gone);
  assert.is(box.status().pid, pid);
  box.allowCold(true);
});

// Seen: the server slept for a second whenever a worker had not lived as long.
test('a worker that is killed as soon as it is ready is replaced at once', () => {
  const took = Array.from({ length: 3 }, () => {
    const pids = box.workers();
    const from = performance.now();
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    eventually('another is ready', () =>
      box.status().workers.some(({ pid, state }) => state === 'idle' && !pids.includes(pid)),
    );
    return performance.now() - from;
  });
  // The first may have lived for longer, and one may be held up.
  assert.ok(Math.min(...took.slice(1)) < 900, took.join(', '));
});

test('who is no launcher is refused, and counted', () => {
  const { refused } = box.status();
  closeDescriptor(connectTo(box.socket, 'seqpacket'));
  spawnSync('unshare', ['--net', box.launcher, 'list'], { timeout: TIMEOUT });
  eventually('it is counted', () => box.status().refused + box.status().gone >= refused + 2);
});

test('a launcher that is greeted and stops does not hold its worker; it has a runtime of its own when it goes on', () => {
  if (spawnSync('strace', ['--version']).error) return console.log('skip: needs strace');
  // Held up at the system call behind the greeting.
  const [log, output] = ['trace', 'output'].map((name) => join(box.directory, name));
  const inject = `-e trace=sendmsg -e inject=sendmsg:delay_enter=1500ms:when=1 -o ${log}`;
  const { served, gone } = box.status();
  const child = spawn('sh', [
    '-c',
    `strace ${inject} "$0" list --quiet --format json >${output} 2>&1`,
    box.launcher,
  ]);
  eventually('the server lets it go', () => box.status().gone > gone);
  assert.ok(box.status().workers.every(({ state }) => state === 'idle'));
  eventually('it has ended', () => isGone(child.pid ?? 0));
  assert.is(readFileSync(output ?? '', 'utf8'), '');
  // The request was sent twice.
  assert.is(readFileSync(log ?? '', 'utf8').match(/^sendmsg/gm)?.length, 2);
  assert.is(box.status().served, served);
});

test('SIGTERM lets a command that is being served come to its end', () => {
  const { id, end } = lasting();
  const workers = box.workers();
  box.server.kill('SIGTERM');
  eventually('the socket is gone', () => !existsSync(box.socket));
  eventually('those that are idle are gone', () => workers.filter((pid) => !isGone(pid)).length === 1);
  assert.is(JSON.parse(box.tsoci('state', id).stdout).status, 'running');
  end();
  eventually('the last is gone', () => workers.every(isGone));
  assert.is(box.tsoci('state', id).status, 1);
});

test('workers end with a server that is killed', () => {
  box.serve(2);
  const workers = box.workers();
  assert.is(workers.length, 2);
  box.server.kill('SIGKILL');
  eventually('they are gone', () => workers.every(isGone));
  // Its socket is there still.
  assert.is(box.tsoci('list').status, 0);
  assert.throws(() => box.status(), /there is no server at/);
});

test('a server takes the place of one that was killed, and of none that lives', () => {
  box.serve(2);
  const { status, stderr } = spawnSync(box.launcher, ['serve'], { encoding: 'utf8', timeout: TIMEOUT });
  assert.is(status, 1);
  assert.match(stderr, /there is a server at .*socket already/);
  box.stop();
});

test('--idle: the server ends when nobody was served for that long', () => {
  box.serve(2, '--idle', '1');
  const { pid = 0 } = box.server;
  const end = Date.now() + 1200;
  while (Date.now() < end) box.tsoci('list');
  assert.not(isGone(pid));
  eventually('it has ended', () => isGone(pid));
  assert.not(existsSync(box.socket));
});

test('--socket: a server elsewhere is found where the usual path leads to it', () => {
  const elsewhere = join(box.directory, 'elsewhere');
  spawnSync('mkdir', ['-p', '/run/tsoci-serve']);
  symlinkSync(elsewhere, box.socket);
  symlinkSync(`${elsewhere}.status`, `${box.socket}.status`);
  box.serve(2, '--socket', elsewhere);
  box.allowCold(false);
  assert.is(box.tsoci('list').status, 0);
  box.allowCold(true);
  const { stdout } = spawnSync(box.launcher, ['serve', '--status', '--socket', elsewhere], {
    encoding: 'utf8',
    timeout: TIMEOUT,
  });
  assert.match(stdout, new RegExp(`^socket +${elsewhere}\npid +${box.server.pid}\n`));
  assert.match(stdout, /\nserved +1\n/);
  box.stop();
  spawnSync('rm', [box.socket, `${box.socket}.status`]);
});

test('a server whose files are replaced ends with the next command; that has the new runtime', () => {
  box.serve(2);
  const { pid = 0 } = box.server;
  const workers = box.workers();
  box.install();
  assert.is(box.tsoci('list').status, 0);
  eventually('it has ended', () => [pid, ...workers].every(isGone));
});

const wrong: [args: string[], error: RegExp][] = [
  [['--workers', '0'], /option --workers: 0 is not between 1 and 32/],
  [['--workers', '33'], /option --workers: 33 is not between/],
  [['--workers', 'two'], /option --workers: "two" is not a whole number/],
  [['--idle', '0'], /option --idle: 0 is not between 1 and/],
  [['--idle', '-5'], /option --idle/],
  [['--socket', '/proc/nosuch/socket'], /listen at \/proc\/nosuch\/socket: ENOENT/],
  [['--status'], /there is no server at \/run\/tsoci-serve\/socket/],
  [['--status', '--socket', '/proc/nosuch/socket'], /there is no server at \/proc\/nosuch\/socket/],
];
for (const [args, error] of wrong)
  test(`serve ${args.join(' ')} is an error`, () => {
    const { status, stderr } = spawnSync(box.launcher, ['serve', ...args], {
      encoding: 'utf8',
      timeout: TIMEOUT,
    });
    assert.is(status, 1);
    assert.match(stderr, error);
  });

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
