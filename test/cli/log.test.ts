// The formats of the log, as engines parse them.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { logLine, openLog } from '../../src/cli/log.ts';
import { detailsOf, messageOf, TsociError } from '../../src/linux/errors.ts';
import { tsoci } from './program.ts';

const test = suite('cli: log');
const time = new Date('2026-01-02T03:04:05Z');

function inDirectory(body: (directory: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'log-'));
  try {
    body(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('json is an object a line', () => {
  const line = logLine('json', 'error', 'no "such"\nthing', time);
  assert.is(line, '{"level":"error","msg":"no \\"such\\"\\nthing","time":"2026-01-02T03:04:05.000Z"}\n');
});

test('what a program needs of an error follows behind what engines read', () => {
  const details = (error: unknown) => {
    const line = logLine('json', 'error', messageOf(error), time, detailsOf(error));
    assert.ok(line.startsWith(`{"level":"error","msg":${JSON.stringify(messageOf(error))},"time":"`), line);
    const { level: _, msg: __, time: ___, ...rest } = JSON.parse(line);
    return rest;
  };
  const mount = TsociError.fromErrno('bind /srv on /data, which is new', 1, 'is it yours?').for('mounts[2]');
  const known = { step: 'bind /srv on /data, which is new', target: '/data', errno: 1, code: 'EPERM' };
  assert.equal(details(mount), { ...known, property: 'mounts[2]', hint: 'is it yours?' });
  const hinted = mount.hinted('it is not');
  assert.is(hinted.message, `${mount.message}; it is not`);
  assert.equal(details(hinted), { ...known, property: 'mounts[2]', hint: 'is it yours?; it is not' });
  assert.equal(details(new TsociError('no such thing')), {});
  assert.equal(details(new Error('not foreseen')), {});
  const open = 'open /nowhere/at all';
  assert.equal(details(refusalOf(() => readFileSync('/nowhere/at all'))), {
    step: open,
    target: '/nowhere/at all',
    errno: 2,
    code: 'ENOENT',
  });
});

function refusalOf(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}

test('text is as logrus writes it: quoted where it must be', () => {
  const stamp = 'time="2026-01-02T03:04:05.000Z"';
  assert.is(logLine('text', 'error', 'no such thing', time), `${stamp} level=error msg="no such thing"\n`);
  assert.is(logLine('text', 'warning', 'short', time), `${stamp} level=warning msg=short\n`);
  assert.is(logLine('text', 'error', '', time), `${stamp} level=error msg=""\n`);
});

test('a log file is appended to, with what is important enough', () => {
  inDirectory((directory) => {
    const file = join(directory, 'log');
    for (const level of ['warning', 'debug'] as const) {
      const log = openLog({ file, format: 'json', level }, 2);
      log('warning', `at ${level}`);
      log('debug', 'a step');
    }
    const messages = readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).msg);
    assert.equal(messages, ['at warning', 'at debug', 'a step']);
  });
});

test('an error is the last line of the log file, and a line on standard error', () => {
  inDirectory((directory) => {
    const file = join(directory, 'log');
    const { status, stdout, stderr } = tsoci(
      '--log',
      file,
      '--log-format',
      'json',
      '--root',
      directory,
      'state',
      'none',
    );
    assert.equal([status, stdout], [1, '']);
    assert.is(stderr, 'tsoci: container none does not exist\n');
    const { level, msg, time: stamp } = JSON.parse(readFileSync(file, 'utf8'));
    assert.equal([level, msg], ['error', 'container none does not exist']);
    assert.match(stamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });
});

test('a log format without a log file is for standard error', () => {
  const { stderr } = tsoci('--log-format', 'json', 'bogus');
  assert.is(JSON.parse(stderr).level, 'error');
});

test('control characters do not reach the terminal', () => {
  const { status, stderr } = tsoci('\x1b[31mred\n');
  assert.is(status, 1);
  assert.match(stderr, /^tsoci: unknown command \\x1b\[31mred\\n; [^\n]*\n$/);
});

test('a log that cannot be opened is an error', () => {
  const { status, stderr } = tsoci('--log', '/nonexistent/log', 'list');
  assert.is(status, 1);
  assert.is(stderr, 'tsoci: open log file /nonexistent/log: ENOENT (No such file or directory)\n');
});

test('--debug shows where an error arose', () => {
  const { stderr } = tsoci('--debug', 'bogus');
  assert.match(stderr, /^tsoci: unknown command bogus.*\ntsoci: debug: UsageError: .*\n +at /);
});

test.run();
