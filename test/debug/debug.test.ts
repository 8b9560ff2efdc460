// `tsoci debug`, by scripts: stops, what is shown of them, and what can be done there.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Change, Sandbox } from '../container/harness.ts';

const box = new Sandbox();
test.after(() => box.close());
test.after.each(() => assert.equal(box.leftovers(), []));

/** What debugging a bundle shows when these commands are given; standard error behind it. */
function debug(commands: readonly string[], ...args: string[]): { status: number | null; shown: string } {
  const input = commands.map((command) => `${command}\n`).join('');
  const { status, stdout, stderr } = box.tsociWith({ input }, 'debug', ...args, box.id());
  return { status, shown: stdout + stderr };
}

const bind =
  (source: string): Change =>
  ({ mounts }) => {
    mounts?.push({ destination: '/data', source, type: 'none', options: ['bind'] });
  };

test('it goes on to the end where nothing fails', () => {
  box.configure('echo reached; exit 3');
  const { status, shown } = debug(['continue']);
  assert.is(status, 3, shown);
  assert.match(shown, /executes \/bin\/sh/);
  assert.match(shown, /reached/);
});

test('a breakpoint at a property stops before its first call; where shows call, lines and section', () => {
  box.configure('true');
  const { status, shown } = debug(['break mounts[1]', 'continue', 'where', 'print mounts', 'quit']);
  assert.is(status, 1, shown);
  assert.match(shown, /breakpoint 2: mounts\[1\]/);
  assert.match(shown, /breakpoint 2 before \d+, init \d+: mounts\[1\]/);
  assert.match(shown, /call {6}openat2\(\d+, "\/dev", /);
  assert.match(shown, /spec {6}config\.md#mounts/);
  assert.match(shown, /config {4}.*config\.json:1/);
  // The mount before is there, and no other.
  assert.match(shown, /^\/proc +proc +proc/m);
  assert.not.match(shown, /^\/dev +tmpfs/m);
  assert.match(shown, /given up in the debugger/);
});

test('--break stops at the first that comes', () => {
  box.configure('true');
  const { shown } = debug(['list 2', 'quit'], '--break', 'pivot_root', '--break', 'mounts[3]');
  assert.match(shown, /breakpoint 3 before \d+, init \d+: mounts\[3\]/);
  assert.match(shown, /^> +\d+ init openat2/m);
});

test('a failure stops it before anything is taken back; the end of the script takes all back', () => {
  box.configure('true', ({ process }) => {
    process.args = ['/bin/missing'];
  });
  const { status, shown } = debug(['where', 'print ns']);
  assert.is(status, 1);
  assert.match(shown, /error: exec: "\/bin\/missing": no such file or directory/);
  assert.match(shown, /property {2}process\.args\[0\]/);
  assert.match(shown, /mount +mnt:\[\d+\] +its own/);
  assert.match(shown, /what was made is taken back/);
});

test('retry does it again once the root filesystem was mended', () => {
  box.configure('true', ({ process }) => {
    process.args = ['/bin/later'];
  });
  const later = join(box.rootfs, 'bin', 'later');
  const { status, shown } = debug([
    'where',
    `run printf '#!/bin/sh\\necho mended\\n' >${later}; chmod 755 ${later}`,
    'retry',
  ]);
  assert.is(status, 0, shown);
  assert.match(shown, /mended/);
});

test('a source that is missing is told before anything is made, and can be made', () => {
  const source = join(box.directory, 'source');
  box.configure('ls -d /data', bind(source));
  const { status, shown } = debug(['where', `run mkdir ${source}`, 'retry']);
  assert.is(status, 0, shown);
  assert.match(shown, /property {2}mounts\[7\]/);
  assert.ok(existsSync(source));
});

test('skip leaves a mount out, with a warning', () => {
  box.configure('ls /dev/shm', ({ mounts }) => {
    mounts?.[3]?.options?.push('nonsense=1');
  });
  const { status, shown } = debug(['skip']);
  assert.is(status, 0, shown);
  assert.match(shown, /left out: mount tmpfs on \/dev\/shm: option nonsense=1: EINVAL/);
});

test('skip takes a call for done that has failed', () => {
  box.configure('echo reached', ({ process }) => {
    process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 2 ** 40, hard: 2 ** 40 }];
  });
  const { status, shown } = debug(['print caps', 'skip']);
  assert.is(status, 0, shown);
  assert.match(shown, /RLIMIT_NOFILE .* has\s+failed, and is taken for done/);
  assert.match(shown, /reached/);
});

test('execve itself fails: why is told, and it is done again', () => {
  const script = join(box.rootfs, 'bin', 'script');
  writeFileSync(script, '#!/bin/missing\necho reached\n', { mode: 0o755 });
  box.configure('', ({ process }) => {
    process.args = ['/bin/script'];
  });
  const { status, shown } = debug(['where', `run sed -i s/missing/sh/ ${script}`, 'retry']);
  assert.is(status, 0, shown);
  assert.match(shown, /error: execute \/bin\/script: ENOENT.*needs the interpreter\s+\/bin\/missing/s);
  assert.match(shown, /^reached$/m);
});

test('what is needed later cannot be left out', () => {
  box.configure('true');
  const { shown } = debug(['skip', 'quit'], '--break', 'mounts[1]');
  assert.match(shown, /this cannot be left out/);
});

test('commands that are wrong are told so, and nothing goes on', () => {
  box.configure('true');
  const { shown } = debug(['brek mounts', 'break nowhere', 'delete 9', 'step', 'print', 'step x', 'quit']);
  assert.match(shown, /brek is no command; did you mean break\?/);
  assert.match(shown, /nowhere: /);
  assert.match(shown, /print: what\?/);
  assert.match(shown, /"x" is no count/);
  assert.match(shown, /there is no breakpoint 9/);
});

test('start and exec have the same stops', () => {
  box.configure('exec sleep 100');
  const id = box.id();
  assert.is(box.detached('create', id), 0);
  const start = box.tsociWith({ input: 'break execve\ncontinue\nlist\nstep\n' }, 'debug', 'start', id);
  assert.is(start.status, 0, start.stdout + start.stderr);
  assert.match(start.stdout, /before \d+, init \d+: process\.args\n {2}execve\("\/bin\/sh"/);
  assert.is(box.state(id).status, 'running');
  const exec = box.tsociWith(
    { input: 'break setns\ncontinue\nprint ids\ncontinue\ncontinue\n' },
    'debug',
    'exec',
    id,
    '/bin/sh',
    '-c',
    'exit 4',
  );
  assert.is(exec.status, 4, exec.stdout + exec.stderr);
  assert.match(exec.stdout, /setns\(\d+, .*CLONE_NEWNS/);
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

test('a distroless container has a shell and its programs from the host', () => {
  const empty = join(box.directory, 'empty');
  mkdirSync(join(empty, 'data'), { recursive: true });
  writeFileSync(join(empty, 'data', 'proof'), 'seen\n');
  box.configure('true', (config) => {
    config.root = { path: empty, readonly: false };
    config.process.args = ['/app'];
  });
  const { shown } = debug(['run cat data/proof; hostname', 'quit']);
  assert.match(shown, /seen\ntsoci/);
});

test.run();
