// config.json read again: what differs, and whether that is still to come.

import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { differences, isTooLate } from '../../src/debug/edit.ts';
import type { Operation } from '../../src/debug/protocol.ts';
import { type Change, Sandbox } from '../container/harness.ts';

const box = new Sandbox();
test.after(() => box.close());
test.after.each(() => assert.equal(box.leftovers(), []));

const done = (...properties: string[]): Operation[] =>
  properties.map((property, i) => ({ number: i + 1, role: 'init', text: '', doing: '', property }));

test('the innermost values that differ are named', () => {
  const one = { mounts: [{ options: ['ro'] }, {}], process: { args: ['a'] } };
  assert.equal(differences(one, structuredClone(one)), []);
  assert.equal(differences(one, { ...one, mounts: [{ options: ['rw'] }, {}] }), ['mounts[0].options[0]']);
  assert.equal(differences(one, { ...one, process: { args: ['a'], cwd: '/' } }), ['process.cwd']);
  assert.equal(differences({ limit: 5n }, { limit: 5 }), []);
});

test('what was applied comes too late, what follows does not', () => {
  const progress = { reached: 'mounts[3]', done: done('hostname', 'mounts[0]', 'mounts[1]', 'mounts[2]') };
  assert.ok(isTooLate('hostname', progress));
  assert.ok(isTooLate('mounts[2].options[0]', progress));
  assert.not(isTooLate('mounts[3].options[0]', progress));
  assert.not(isTooLate('mounts[4]', progress));
  assert.not(isTooLate('process.args[0]', progress));
  assert.not(isTooLate('linux.maskedPaths[2]', progress));
});

test('what is taken in before there is an init comes too late as soon as anything was done', () => {
  for (const property of [
    'linux.namespaces[0].type',
    'linux.resources.pids.limit',
    'linux.seccomp',
    'root.path',
  ])
    assert.ok(isTooLate(property, { reached: 'mounts[0]', done: done('hostname') }), property);
});

test('the process is looked at as a whole', () => {
  const progress = { reached: 'process.args[0]', done: done('mounts[0]', 'process.cwd') };
  assert.not(isTooLate('process.args[0]', progress));
  assert.not(isTooLate('process.env[1]', progress));
  assert.not(isTooLate('process.rlimits[0].soft', progress));
  assert.ok(isTooLate('mounts[0].options[0]', progress));
});

/** Commands, of which `sed EXPRESSION` changes the config. */
function debug(change: Change, ...commands: string[]): { status: number | null; shown: string } {
  box.configure('echo reached', change);
  const file = join(box.bundle, 'config.json');
  const input = commands.map((command) => `${command.replace(/^sed (.*)$/, `run sed -i '$1' ${file}`)}\n`);
  const { status, stdout, stderr } = box.tsociWith({ input: input.join('') }, 'debug', box.id());
  return { status, shown: stdout + stderr };
}

const program: Change = ({ process }) => {
  process.args = ['/bin/ecko', 'reached'];
};

test('a program that is misspelt is corrected, and executed', () => {
  const { status, shown } = debug(program, 'where', 'sed s/ecko/echo/', 'edit', 'retry');
  assert.is(status, 0, shown);
  assert.match(shown, /read again: process\.args\[0\]/);
  assert.match(shown, /^reached$/m);
});

test('an option of a mount is corrected, and mounted with', () => {
  const option: Change = ({ mounts, process }) => {
    mounts?.[3]?.options?.push('sice=4m');
    process.args = ['/bin/grep', '/dev/shm', '/proc/mounts'];
  };
  const { status, shown } = debug(option, 'where', 'sed s/sice=4m/size=4m/', 'edit', 'retry');
  assert.is(status, 0, shown);
  assert.match(shown, /\/dev\/shm tmpfs .*size=4096k/);
});

test('a change that comes too late is named, and nothing is changed', () => {
  const { status, shown } = debug(
    program,
    'where',
    'sed s/"hostname":"tsoci"/"hostname":"other"/',
    'edit',
    'sed s/other/tsoci/;s/ecko/hostname/;s/,"reached"//',
    'edit',
    'retry',
  );
  assert.is(status, 0, shown);
  assert.match(shown, /hostname comes too late/);
  assert.match(shown, /^tsoci$/m);
});

test('a config that is not valid any more is refused', () => {
  const { shown } = debug(program, 'where', 'sed s/"cwd":"."/"cwd":"x"/', 'edit', 'quit');
  assert.match(shown, /process\.cwd\s+is\s+"x"/);
});

test('a config that was not valid is read again by retry', () => {
  const wrong: Change = ({ process }) => {
    process.cwd = 'tmp';
  };
  const { status, shown } = debug(wrong, 'where', 'sed s/"cwd":"tmp"/"cwd":"\\/tmp"/', 'retry');
  assert.is(status, 0, shown);
  assert.match(shown, /process\.cwd\s+is\s+"tmp"/);
  assert.match(shown, /^reached$/m);
});

test.run();
