// Files that are not what they should be: a damaged record, a FIFO or a device in place of a text. No command waits,
// crashes or works on what it finds there.

import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readRecord } from '../../src/container/state/store.ts';
import { EXEC_FAILED, type Result, Sandbox, tsociPath } from './harness.ts';

const test = suite('strange files');
const box = new Sandbox();

function tells({ status, stderr }: Result, message: RegExp, failure = 1): void {
  assert.is(status, failure, stderr);
  assert.match(stderr, message);
  assert.is(stderr.trim().split('\n').length, 1, `one line: ${stderr}`);
}

/** A container's directory that no command has made. */
function stateDirectory(): string {
  const directory = join(box.root, box.id());
  mkdirSync(directory, { recursive: true });
  return directory;
}

function makeFifo(path: string): string {
  rmSync(path, { force: true });
  assert.is(spawnSync('mkfifo', [path]).status, 0);
  return path;
}

/** What is put in place of a text, and what is told of it. */
const notTexts: Record<string, [make: (path: string) => void, told: string]> = {
  FIFO: [makeFifo, 'not a file but a FIFO'],
  'device without end': [(path) => symlinkSync('/dev/zero', path), 'not a file but a device'],
  directory: [mkdirSync, 'not a file but a directory'],
  'file that is too long': [(path) => spawnSync('truncate', ['-s', '1G', path]), 'longer than 64 MiB'],
};

test('a record whose last line has no end: the line before counts', () => {
  const id = box.id();
  box.configure('sleep 1000');
  assert.is(box.detached('create', id), 0);
  appendFileSync(join(box.root, id, 'state.json'), '{"ociVersion":"1.2.0","id');
  assert.is(box.state(id).status, 'created');
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

test('records that are damaged: each command names the property, list shows the others', () => {
  const id = box.id();
  box.configure('sleep 1000');
  assert.is(box.detached('create', id), 0);
  const good = readRecord(box.root, id);
  const damaged: [json: string | ((own: string) => object), wrong: string][] = [
    ['', 'content'],
    ['{"id":', 'content'],
    ['null', 'content'],
    ['[]', 'content'],
    ['{}', 'ociVersion'],
    [(own) => ({ ...good, id: `${own}x` }), 'id'],
    [(own) => ({ ...good, id: own, bundle: 5 }), 'bundle'],
    [(own) => ({ ...good, id: own, owner: undefined }), 'owner'],
    [(own) => ({ ...good, id: own, init: [] }), 'init'],
    [(own) => ({ ...good, id: own, init: { pid: -1, startTime: 1 } }), 'init'],
    [(own) => ({ ...good, id: own, init: { pid: 0, startTime: 1 } }), 'init'],
    [(own) => ({ ...good, id: own, cgroup: 7 }), 'cgroup'],
    [(own) => ({ ...good, id: own, cgroup: '' }), 'cgroup'],
    [(own) => ({ ...good, id: own, unit: 'x.scope' }), 'unit'],
    [(own) => ({ ...good, id: own, hooks: 5 }), 'hooks'],
    [(own) => ({ ...good, id: own, hooks: { poststop: [{ args: ['x'] }] } }), 'hooks'],
    [(own) => ({ ...good, id: own, annotations: { a: 1 } }), 'annotations'],
  ];
  for (const [json, wrong] of damaged) {
    const directory = stateDirectory();
    const file = join(directory, 'state.json');
    const own = basename(directory);
    writeFileSync(file, typeof json === 'string' ? json : JSON.stringify(json(own)));
    const message = `${file} is no record of this container: its ${wrong} is damaged; end the processes`;
    const { status, stdout, stderr } = box.tsoci('list', '--quiet');
    assert.equal([status, stdout], [0, `${id}\n`]);
    assert.ok(stderr.startsWith(`tsoci: warning: ${message}`), stderr);
    for (const command of ['state', 'delete', 'start', 'kill', 'pause', 'events', 'ps']) {
      const told = box.tsoci(command, own);
      assert.is(told.status, 1);
      assert.ok(told.stderr.startsWith(`tsoci: ${message}`), told.stderr);
    }
    rmSync(directory, { recursive: true });
  }
  assert.is(box.state(id).status, 'created');
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

for (const [what, [make, told]] of Object.entries(notTexts)) {
  test(`${what} as state.json`, () => {
    const directory = stateDirectory();
    make(join(directory, 'state.json'));
    const message = new RegExp(`read ${directory}/state.json: .*${told}`);
    for (const command of ['state', 'delete', 'kill'])
      tells(box.tsoci(command, basename(directory)), message);
    assert.match(box.tsoci('list').stderr, message);
    rmSync(directory, { recursive: true });
  });

  test(`${what} as config.json`, () => {
    const file = join(box.bundle, 'config.json');
    rmSync(file, { force: true });
    make(file);
    const message = new RegExp(`read .*config.json: .*${told}`);
    tells(box.tsoci('run', box.id()), message);
    tells(box.tsoci('validate'), message);
    tells(box.tsoci('plan'), message);
    rmSync(file, { recursive: true });
    assert.equal(box.leftovers(), []);
  });
}

test('a saved config that is damaged is told, not worked with', () => {
  const id = box.id();
  box.configure('sleep 1000');
  assert.is(box.detached('run', '--detach', id), 0);
  const saved = join(box.root, id, 'config.json');
  const wrong: [json: string, message: RegExp][] = [
    ['', /config\.json:1:1: /],
    ['null', /config\.json:1:1: the configuration is null; expected an object/],
    ['{"ociVersion":"1.3.0","process":{"cwd":"/"},"linux":{"namespaces":5}}', /linux\.namespaces is 5/],
  ];
  for (const [json, message] of wrong) {
    writeFileSync(saved, json);
    tells(box.tsoci('exec', id, 'true'), message, EXEC_FAILED);
  }
  rmSync(saved);
  makeFifo(saved);
  tells(box.tsoci('exec', id, 'true'), /read .*config\.json: not a file but a FIFO/, EXEC_FAILED);
  writeFileSync(join(box.root, id, 'resources.json'), '{"pids":{"limit":"many"}}');
  tells(box.tsoci('update', '--pids-limit', '5', id), /resources\.json:1:\d+: pids\.limit is "many"/);
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

test('a file that the caller names may be a pipe, and a FIFO that nobody writes to ends', () => {
  const id = box.id();
  box.configure('sleep 1000');
  assert.is(box.detached('run', '--detach', id), 0);
  const shell = (script: string) =>
    spawnSync('bash', ['-c', `tsoci() { ${tsociPath} --root ${box.root} "$@"; }; ${script}`], {
      encoding: 'utf8',
      timeout: 20_000,
    });
  const process = `{"cwd":"/","args":["echo","piped"],"env":["PATH=/bin"]}`;
  assert.is(shell(`tsoci exec --process <(sleep 0.2; echo '${process}') ${id}`).stdout, 'piped\n');
  assert.is(shell(`echo '${process}' | tsoci exec --process /dev/stdin ${id}`).stdout, 'piped\n');
  const fifo = makeFifo(join(box.directory, 'fifo'));
  const late = shell(`(sleep 0.5; echo '${process}' >${fifo}) & tsoci exec --process ${fifo} ${id}`);
  assert.is(late.stdout, 'piped\n');
  tells(
    box.tsoci('exec', '--process', fifo, id),
    /read .*fifo: nobody has written to this FIFO for 5 s/,
    EXEC_FAILED,
  );
  tells(
    box.tsoci('exec', '--process', '/dev/zero', id),
    /read \/dev\/zero: not a file but a device/,
    EXEC_FAILED,
  );
  tells(box.tsoci('update', '--resources', '/dev/zero', id), /read \/dev\/zero: not a file but a device/);
  const endless = shell(`tsoci update --resources - ${id} </dev/zero`);
  assert.match(endless.stderr, /read standard input: it is longer than 64 MiB/);
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

test.after(() => box.close());
test.run();
