// What a server does, as its file tells: lines that are cut or damaged are as if there were none.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readRecord, recordOf } from '../../src/launcher/server-record.ts';
import { identify } from '../../src/linux/procfs.ts';

const test = suite('launcher: record of a server');
const directory = mkdtempSync(join(tmpdir(), 'server-record-'));
const socket = join(directory, 'socket');
test.after(() => rmSync(directory, { recursive: true }));

const counts = { served: 1, refused: 2, gone: 3 };
const server = { ...identify(process.pid), version: '1', since: 0, ...counts };
const worker = { pid: 1, state: 'busy', since: 5, command: 'list', ...counts };

function read(...lines: unknown[]) {
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
  writeFileSync(recordOf(socket), text.join('\n'));
  return readRecord(socket);
}

test('the server and its workers', () => {
  assert.equal(read(server, '   ', worker), { server, workers: [worker] });
});

test('a worker whose line is damaged is none', () => {
  const damaged = [
    '{"pid":1,',
    'null',
    '5',
    [],
    { ...worker, since: 'x' },
    { ...worker, since: 1e17 },
    { ...worker, pid: -1 },
    { ...worker, state: 'gone' },
    { ...worker, command: undefined },
  ];
  for (const line of damaged)
    assert.equal(read(server, line, worker).workers, [worker], JSON.stringify(line));
});

test('a server whose line is damaged, or that has ended, is none', () => {
  for (const line of ['', '{', 'null', { ...server, startTime: 1 }, { ...server, served: null }])
    assert.throws(() => read(line, worker), /there is no server at/);
});

test.run();
