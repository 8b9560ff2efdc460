// Commands about several containers, or that go on for long.

import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually, missingPs, Sandbox, TIMEOUT, tsociPath } from './harness.ts';

const test = suite('commands');
const box = new Sandbox();

// Seen without it: the first error was the last that was tried.
test('--regex: one container that cannot be deleted does not keep the others from it', () => {
  box.configure('true');
  const ids = [box.id(), box.id(), box.id()];
  for (const id of ids) assert.is(box.detached('create', id), 0);
  const [first = '', second = ''] = ids;
  assert.is(box.tsoci('kill', second, 'KILL').status, 0);
  eventually('it is stopped', () => box.state(second).status === 'stopped');
  const pattern = `^(${ids.join('|')})$`;
  const { status, stderr } = box.tsoci('delete', '--regex', pattern);
  assert.is(status, 1);
  assert.match(
    stderr,
    new RegExp(`^tsoci: warning: delete ${first}: .* created, not stopped\ntsoci: delete .*\n$`),
  );
  assert.is(box.tsoci('list', '--quiet').stdout, `${ids.filter((id) => id !== second).join('\n')}\n`);
  assert.is(box.tsoci('delete', '--force', '--regex', pattern).status, 0);
  assert.is(box.tsoci('list', '--quiet').stdout, '');
});

// Seen with containers that have a record only: what a `create` left that was killed early stayed, id and all.
test('list of a state directory that is named and not there is an error', () => {
  const missing = join(box.directory, 'missing');
  const { status, stderr } = box.tsoci('--root', missing, 'list');
  assert.is(status, 1);
  assert.is(stderr, `tsoci: list ${missing}: ENOENT (No such file or directory)\n`);
  assert.not(existsSync(missing));
});

test('delete --regex takes what a killed create left, and nothing that is not of a container', () => {
  const [empty, early, late, foreign] = [box.id(), box.id(), box.id(), box.id()].map((id) => {
    mkdirSync(join(box.root, id), { recursive: true });
    return id;
  }) as [string, string, string, string];
  writeFileSync(join(box.root, early, 'state.json.next'), '{');
  writeFileSync(join(box.root, late, 'config.json'), '{}');
  writeFileSync(join(box.root, foreign, 'notes'), '');
  assert.is(box.tsoci('list', '--quiet').stdout, '');
  const { status, stderr } = box.tsoci('delete', '--force', '--regex', '.');
  assert.is(status, 0, stderr);
  assert.equal(readdirSync(box.root), [foreign]);
  assert.match(box.tsoci('delete', '--force', foreign).stderr, /is not the directory of a container/);
  box.configure('true');
  for (const id of [empty, early, late]) {
    assert.is(box.detached('create', id), 0);
    assert.is(box.tsoci('delete', '--force', id).status, 0);
  }
  rmSync(join(box.root, foreign), { recursive: true });
});

/** A command of a caller whose working directory has been removed. */
function fromNowhere(...args: string[]) {
  // What --detach leaves would hold a pipe.
  const output = args.includes('--detach') ? 'ignore' : 'pipe';
  const script = 'mkdir gone; cd gone; rmdir ../gone; exec "$@"';
  return spawnSync('sh', ['-c', script, 'sh', tsociPath, '--root', box.root, ...args], {
    cwd: box.directory,
    encoding: 'utf8',
    stdio: ['ignore', output, output],
    timeout: TIMEOUT,
  });
}

// Seen: "find the working directory: ENOENT".
test('a working directory that was removed is needed for relative paths only', () => {
  const pidFile = join(box.directory, 'pid');
  box.configure('if [ -e /stay ]; then sleep 1000; fi');
  const id = box.id();
  const processFile = join(box.directory, 'process.json');
  writeFileSync(processFile, JSON.stringify({ args: ['touch', '/executed'], cwd: '/', env: ['PATH=/bin'] }));
  const resources = join(box.directory, 'resources.json');
  writeFileSync(resources, '{}');
  for (const args of [
    ['run', '--bundle', box.bundle, '--pid-file', pidFile, box.id()],
    ['run', '--bundle', box.bundle, '--config', join(box.bundle, 'config.json'), box.id()],
    ['validate', box.bundle],
    ['plan', '--bundle', box.bundle],
    ['features'],
    ['list'],
  ]) {
    const { status, stderr } = fromNowhere(...args);
    assert.is(status, 0, `${args[0]}: ${stderr}`);
  }
  writeFileSync(join(box.rootfs, 'stay'), '');
  for (const args of [
    ['run', '--detach', '--bundle', box.bundle, id],
    ['state', id],
    ['ps', '--format', 'json', id],
    ['exec', '--process', processFile, '--pid-file', pidFile, id],
    ['exec', id, 'true'],
    ['update', '--resources', resources, id],
    ['kill', id, 'KILL'],
    ['delete', '--force', id],
  ]) {
    const { status, stderr } = fromNowhere(...args);
    assert.is(status, 0, `${args[0]}: ${stderr}`);
  }
  rmSync(join(box.rootfs, 'stay'));
  assert.match(fromNowhere('run', box.id()).stderr, /find the working directory: ENOENT/);
  assert.match(fromNowhere('run', '--bundle', 'b', box.id()).stderr, /find the working directory: ENOENT/);
});

// Seen without it: the stack of an uncaught error, with the code of a bundle; and "tsoci was killed" after Ctrl-C.
test('events whose reader has gone, or that is interrupted, ends without a word', async () => {
  const id = box.id();
  box.configure('sleep 1000');
  assert.is(box.detached('run', '--detach', id), 0);
  const args = ['--root', box.root, 'events', '--interval', '10ms', id];
  const ends: [
    (child: ChildProcessByStdio<null, Readable, Readable>) => void,
    number | null,
    string | null,
  ][] = [
    [({ stdout }) => stdout.destroy(), 128 + constants.signals.SIGPIPE, null],
    [(child) => child.kill('SIGINT'), null, 'SIGINT'],
  ];
  for (const [end, code, signal] of ends) {
    const child = spawn(tsociPath, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: TIMEOUT });
    let stderr = '';
    child.stderr.on('data', (data: Buffer) => {
      stderr += data.toString();
    });
    child.stdout.once('data', () => end(child));
    // Only when the runtime has ended, too, is nobody left who could write.
    assert.equal(await once(child, 'close'), [code, signal]);
    assert.is(stderr, '');
  }
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

// Seen without it: an internal error, since the executable has no import() of node:child_process.
test('ps shows the lines of ps(1) about the container, and takes its options', () => {
  if (missingPs) return console.log(`skipped: the lines of ps: ${missingPs}`);
  const id = box.id();
  box.configure('sleep 1000');
  assert.is(box.detached('run', '--detach', id), 0);
  const { pid } = box.state(id);
  const { stdout, stderr } = box.tsoci('ps', id);
  assert.match(stdout, new RegExp(`^UID +PID .*\\n\\S+ +${pid} .*sleep 1000\\n$`), stderr);
  assert.is(box.tsoci('ps', id, '-o', 'pid,comm').stdout, ps(['-o', 'pid,comm', '-p', String(pid)]));
  assert.match(box.tsoci('ps', id, '-o', 'comm').stderr, /^tsoci: ps: the output has no column PID\n$/);
  assert.match(box.tsoci('ps', id, '--nosuch').stderr, /^tsoci: ps --nosuch: .+\n$/);
  assert.is(box.tsoci('kill', id, 'KILL').status, 0);
  eventually('stopped', () => box.state(id).status === 'stopped');
  const ofStopped = box.tsoci('ps', '--format', 'json', id);
  assert.equal([ofStopped.status, ofStopped.stdout], [0, '[]\n'], 'a stopped container has none');
  assert.match(box.tsoci('ps', id).stdout, /^UID +PID .*\n$/);
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

function ps(args: string[]): string {
  return spawnSync('ps', args, { encoding: 'utf8', timeout: TIMEOUT }).stdout;
}

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
