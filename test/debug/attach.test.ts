// A command that somebody else has called waits at its failure for a debugger: that long, and for whoever may.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Change, eventually, Sandbox, tsociPath } from '../container/harness.ts';

const box = new Sandbox();
test.after(() => box.close());
test.after.each(() => assert.equal(box.leftovers(), []));

const missing: Change = ({ process }) => {
  process.args = ['/bin/later'];
};

interface Waiting {
  id: string;
  /** Where it waits. */
  socket: string;
  /** What it came to, and what it wrote to standard error. */
  ended: () => { status: number; stderr: string };
}

/** A create that goes on in the background, as that of an engine. */
function create(
  options: { words?: readonly string[]; env?: NodeJS.ProcessEnv; directory?: string } = {},
): Waiting {
  const { words = [], env = {}, directory = join(box.root, '~debug') } = options;
  const id = box.id();
  const output = join(box.directory, `${id}.output`);
  const command = [tsociPath, '--root', box.root, 'create', ...words, id];
  // The shell tells how it ended: an event of this process would come too late, while it waits for others.
  const script = `"$@" </dev/null >/dev/null 2>${output}; echo $? >${output}.status`;
  spawn('sh', ['-c', script, 'sh', ...command], {
    cwd: box.bundle,
    stdio: 'ignore',
    env: { ...process.env, ...env },
  });
  const ended = () => {
    eventually(
      'create has ended',
      () => existsSync(`${output}.status`) && statSync(`${output}.status`).size > 0,
    );
    return { status: Number(readFileSync(`${output}.status`, 'utf8')), stderr: readFileSync(output, 'utf8') };
  };
  return { id, socket: join(directory, id), ended };
}

function attach(name: string, ...commands: string[]): string {
  const input = commands.map((command) => `${command}\n`).join('');
  const { stdout, stderr } = box.tsociWith({ input }, 'debug', '--attach', name);
  return stdout + stderr;
}

test('--debug-wait waits for debug --attach, for its user alone; what was mended goes on', () => {
  box.configure('', missing);
  const { id, socket, ended } = create({ words: ['--debug-wait=20'] });
  eventually('it waits', () => existsSync(socket));
  assert.is(statSync(socket).mode & 0o777, 0o600);
  const later = join(box.rootfs, 'bin', 'later');
  const shown = attach(id, 'where', 'print ns', `run cp /bin/true ${later}`, 'retry');
  assert.match(shown, /error: exec: "\/bin\/later"/);
  assert.match(shown, /mount +mnt:\[\d+\] +its own/);
  const { status, stderr } = ended();
  assert.is(status, 0, stderr);
  assert.match(
    stderr,
    new RegExp(`create ${id} has failed and waits 20 s for: tsoci .*debug --attach ${id}`),
  );
  assert.is(box.state(id).status, 'created');
  assert.is(box.tsoci('delete', '--force', id).status, 0);
  spawnSync('rm', [later]);
});

test('nobody comes: after that time all is taken back, and the error is the one that it was', () => {
  box.configure('', missing);
  const began = Date.now();
  const { ended } = create({ words: ['--debug-wait=1'] });
  const { status, stderr } = ended();
  assert.is(status, 1);
  assert.ok(Date.now() - began >= 1000);
  assert.match(stderr, /exec: "\/bin\/later": no such file/);
});

test('the annotation org.tsoci.debug asks for it in a config', () => {
  box.configure('', (config) => {
    missing(config);
    config.annotations = { 'org.tsoci.debug': '20' };
  });
  const { id, socket, ended } = create();
  eventually('it waits', () => existsSync(socket));
  attach(id, 'quit');
  assert.is(ended().status, 1);
});

test('TSOCI_DEBUG names a directory to wait in', () => {
  box.configure('', missing);
  const directory = join(box.directory, 'waiting');
  const { socket, ended } = create({ env: { TSOCI_DEBUG: directory }, directory });
  eventually('it waits', () => existsSync(socket));
  assert.match(attach(socket, 'list 2', 'continue'), /^! +\d+ init /m);
  assert.is(ended().status, 1);
  assert.not(existsSync(directory));
});

test('an exec that fails does not wait: engines have more than one of these', () => {
  box.configure('exec sleep 100');
  const id = box.id();
  assert.is(box.detached('run', '--detach', id), 0);
  const env = { ...process.env, TSOCI_DEBUG: join(box.directory, 'waiting') };
  const began = Date.now();
  assert.is(box.tsociWith({ env }, 'exec', id, '/bin/missing').status, 255);
  assert.ok(Date.now() - began < 10_000);
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

test('a debugger that dies lets it fail', () => {
  box.configure('', missing);
  const { id, socket, ended } = create({ words: ['--debug-wait=20'] });
  eventually('it waits', () => existsSync(socket));
  const words = ['--root', box.root, 'debug', '--attach', id];
  const attached = spawn(tsociPath, words, { stdio: ['pipe', 'ignore', 'ignore'] });
  eventually('it is attached', () => !existsSync(socket));
  attached.kill('SIGKILL');
  assert.is(ended().status, 1);
});

test('where nothing waits that is said', () => {
  assert.match(attach(box.id()), /no command for it waits in .*~debug/);
});

test('a number of seconds that is none is refused', () => {
  box.configure('true');
  assert.match(box.tsoci('create', '--debug-wait=soon', box.id()).stderr, /"soon" is no number of seconds/);
});

test('--json tells events and answers as JSON, for an editor', () => {
  box.configure('true');
  const input = 'break mounts[1]\ncontinue\nlist 1\nprint ns\nnowhere\nquit\n';
  const { stdout } = box.tsociWith({ input }, 'debug', '--json', box.id());
  const lines = stdout
    .trim()
    .split('\n')
    .map((line): Record<string, unknown> => JSON.parse(line));
  const named = lines.map(({ event, answer }) => event ?? answer);
  for (const name of ['hello', 'config', 'stopped', 'break', 'list', 'print', 'refused', 'undoing', 'done'])
    assert.ok(named.includes(name), `${name} is not among ${named.join(' ')}`);
  const stopped = lines.find(({ reason }) => reason === 'breakpoint');
  assert.is(stopped?.property, 'mounts[1]');
});

test('--command reads commands from a file', () => {
  box.configure('cat');
  const file = join(box.directory, 'commands');
  writeFileSync(file, '# a comment\nbreak pivot_root\ncontinue\nlist 1\ndelete\ncontinue\n');
  const { status, stdout } = box.tsociWith(
    { input: 'not a command\n' },
    'debug',
    '--command',
    file,
    box.id(),
  );
  assert.is(status, 0);
  assert.match(stdout, /> +\d+ init pivot_root/);
});

test('what leads to no file is told by the debugger, not by the container', () => {
  mkdirSync(join(box.directory, 'none'));
  const { stderr, status } = box.tsoci('debug', '--command', join(box.directory, 'none', 'x'), box.id());
  assert.is(status, 1);
  assert.match(stderr, /open .*\/none\/x: ENOENT/);
});

test.run();
