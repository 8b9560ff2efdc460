// `tsoci --debug`: each step in words, with its time.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Sandbox } from '../container/harness.ts';

const test = suite('debug');
const box = new Sandbox();

/** Each of `expected` is found in the lines, one behind the other. */
function inOrder(lines: readonly string[], expected: readonly RegExp[]): void {
  let from = 0;
  for (const pattern of expected) {
    const at = lines.findIndex((line, i) => i >= from && pattern.test(line));
    assert.ok(at >= 0, `${pattern} is not behind line ${from} of\n${lines.join('\n')}`);
    from = at + 1;
  }
}

function stepsOf(stderr: string): string[] {
  const lines = stderr.trimEnd().split('\n');
  for (const line of lines) assert.match(line, /^tsoci: debug: \d+\.\d ms: /);
  return lines.map((line) => line.replace(/^tsoci: debug: \d+\.\d ms: /, ''));
}

test('run tells phases, operations with their property, hooks and the files of the cgroup', () => {
  box.configure('true', (config) => {
    config.hostname = 'debugged';
    config.hooks = { createRuntime: [{ path: '/bin/true' }], poststop: [{ path: '/bin/true' }] };
  });
  const id = box.id();
  const { status, stdout, stderr } = box.tsoci('--debug', 'run', id);
  assert.is(status, 0, stderr);
  assert.is(stdout, '');
  inOrder(stepsOf(stderr), [
    new RegExp(`^create container ${id} of bundle `),
    /^write .*\/state\.json$/,
    new RegExp(`^make cgroup .*${id}$`),
    /^make init in the namespaces of the container/,
    /^boot \d+: make the namespaces of the container {2}# linux\.namespaces <\d+\.\d+ ms>$/,
    /^init \d+: set hostname debugged {2}# hostname$/,
    /^mount the root filesystem/,
    /^init \d+: mount proc on \/proc \(\d calls\) {2}# mounts\[0\]$/,
    /^run the hooks of create$/,
    /^run createRuntime hook 0 \(\/bin\/true\)$/,
    /^hook \d+: execute \/bin\/true {2}# hooks\.createRuntime\[0\]/,
    /^createRuntime hook 0 \(\/bin\/true\) has ended$/,
    /^init \d+: pivot_root into the root filesystem$/,
    /^leave init \d+ waiting for start$/,
    /^tell init to go$/,
    /^init \d+: execute \/bin\/sh {2}# process\.args <\d+\.\d+ ms>$/,
    /^wait for the end of process \d+$/,
    /^write "1" to cgroup\.kill of cgroup /,
    new RegExp(`^remove cgroup .*${id}$`),
    /^run poststop hook 0 \(\/bin\/true\)$/,
  ]);
});

test('what the kernel refused is told, also where it is no failure', () => {
  box.configure('true', (config) => {
    config.linux.maskedPaths = ['/proc/no-such-file'];
  });
  const { stderr } = box.tsoci('--debug', 'run', box.id());
  const answer =
    /^init \d+: open \/proc\/no-such-file: ENOENT \(No such file or directory\) {2}# linux\.maskedPaths\[0\]/;
  inOrder(stepsOf(stderr), [answer]);
});

test('the log file has them, and start tells what a create without --debug has left with init', () => {
  box.configure('true');
  const id = box.id();
  const file = join(box.directory, 'log');
  assert.is(box.detached('create', id), 0);
  assert.is(box.detached('--debug', '--log', file, '--log-format', 'json', 'start', id), 0);
  const entries = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.ok(entries.every(({ level, time }) => level === 'debug' && !Number.isNaN(Date.parse(time))));
  inOrder(
    entries.map(({ msg }) => msg),
    [/: tell init to go$/, /: init \d+: execute \/bin\/sh/],
  );
  box.detached('delete', '--force', id);
});

test('without --debug nothing is told', () => {
  box.configure('true');
  assert.is(box.tsoci('run', box.id()).stderr, '');
});

test('nothing is left', () => {
  assert.equal(box.leftovers(), []);
  box.close();
});

test.run();
