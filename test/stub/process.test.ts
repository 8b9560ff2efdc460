// Runs programs in the stub and looks at their results.

import { spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  AT_FDCWD,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUTS,
  O_CLOEXEC,
  O_PATH,
  O_RDONLY,
} from '../../src/linux/constants.ts';
import { EBADF, ENOENT } from '../../src/linux/errno.ts';
import { processStat } from '../../src/linux/procfs.ts';
import { openInRootArguments } from '../../src/rootfs/context.ts';
import { Structure, stringArray } from '../../src/stub/program.ts';
import type { OperationError } from '../../src/stub/results.ts';
import { StubProcess } from '../../src/stub/stub-process.ts';
import { eventually } from '../container/harness.ts';
import { startLauncher, testLauncher } from '../launcher/driven.ts';

const test = suite('StubProcess');

function withStub(body: (stub: StubProcess) => void): void {
  const stub = StubProcess.spawn(testLauncher(), { stdio: [0, 1, 2] });
  try {
    body(stub);
  } finally {
    stub.dismiss();
  }
}

test('a program of several calls returns the result of each', () => {
  withStub((stub) => {
    const program = stub.program();
    const pid = program.call('getpid', [], 'getpid');
    const umask = program.call('umask', [0o27], 'umask');
    const again = program.call('umask', [0o22], 'umask');
    const results = stub.run(program);
    assert.is(results.at(pid), stub.pid);
    assert.type(results.at(umask), 'number');
    assert.is(results.at(again), 0o27);
  });
});

// Seen with MOST_TRIES = 1: open /link: EAGAIN.
test('renames on the machine do not fail an openat2 that goes through ..', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tsoci-test-'));
  mkdirSync(join(directory, 'below'));
  symlinkSync('../below', join(directory, 'below/link'));
  const rename = `const { renameSync } = require('node:fs');
    const end = Date.now() + 60000;
    while (Date.now() < end) for (let i = 0; i < 1000; i++) { renameSync('a', 'b'); renameSync('b', 'a'); }`;
  writeFileSync(join(directory, 'a'), '');
  const racer = spawn(process.execPath, ['-e', rename], { cwd: directory, stdio: 'ignore' });
  try {
    withStub((stub) => {
      const opening = stub.program();
      const root = opening.open('openat', [AT_FDCWD, directory, O_PATH, 0], 'open the root');
      stub.run(opening);
      for (let i = 0; i < 100; i++) {
        const program = stub.program();
        const numbers = Array.from({ length: 50 }, () =>
          program.open('openat2', openInRootArguments(root, '/below/link'), 'open /link'),
        );
        const pid = program.call('getpid', [], 'getpid');
        program.closeFrom(root + 1);
        assert.is(stub.run(program).at(pid), stub.pid);
        assert.is(numbers.length, new Set(numbers).size);
      }
    });
  } finally {
    racer.kill('SIGKILL');
    rmSync(directory, { recursive: true });
  }
});

// Seen with EPIPE as it is: send a program to the stub: EPIPE.
test('a stub that was killed between two programs has died, and its signal is told', () => {
  withStub((stub) => {
    stub.run(stub.program());
    process.kill(stub.pid, 'SIGKILL');
    eventually('it has ended', () => processStat(stub.pid)?.state === 'Z');
    const program = stub.program();
    program.call('getpid', [], 'getpid');
    assert.throws(
      () => stub.run(program),
      /the process for boot died while it was set up \(killed by signal 9\)/,
    );
  });
});

test('bytes that a call writes come back', () => {
  withStub((stub) => {
    const target = Buffer.alloc(64);
    const program = stub.program();
    const length = program.call(
      'readlinkat',
      [AT_FDCWD, '/proc/self/fd/0', target, target.length],
      'readlink',
    );
    const results = stub.run(program);
    const text = results.bytes(target).subarray(0, results.at(length)).toString();
    assert.is(text, readlinkSync('/proc/self/fd/0'));
  });
});

test('an error stops the program and is told with what was being done', () => {
  withStub((stub) => {
    const program = stub.program();
    program.open('openat', [AT_FDCWD, '/does/not/exist', O_RDONLY, 0], 'open /does/not/exist');
    program.call('exit_group', [3], 'exit');
    assert.throws(
      () => stub.run(program),
      (error: Error) => error.message === 'open /does/not/exist: ENOENT (No such file or directory)',
    );
    const after = stub.program();
    const pid = after.call('getpid', [], 'getpid');
    assert.is(stub.run(after).at(pid), stub.pid, 'the stub is still there');
  });
});

test('an ignored error does not stop the program', () => {
  withStub((stub) => {
    const program = stub.program();
    const bad = program.call('unlinkat', [AT_FDCWD, '/does/not/exist', 0], 'unlink', { ignored: [ENOENT] });
    const pid = program.call('getpid', [], 'getpid');
    const results = stub.run(program);
    assert.is(results.at(bad), -ENOENT);
    assert.is(results.at(pid), stub.pid);
  });
});

test('another error than the ignored one is thrown', () => {
  withStub((stub) => {
    const program = stub.program();
    program.call('fchdir', [99], 'change to 99', { ignored: [ENOENT] });
    assert.throws(() => stub.run(program), /change to 99: EBADF/);
  });
});

test('what is left for later is done before the next program, in its round trip', () => {
  withStub((stub) => {
    const first = stub.program();
    const fd = first.open('openat', [AT_FDCWD, '/', O_RDONLY | O_CLOEXEC, 0], 'open /');
    stub.later(first);
    const program = stub.program();
    const other = program.open('openat', [AT_FDCWD, '/', O_RDONLY | O_CLOEXEC, 0], 'open / again');
    const moved = program.call('fchdir', [fd], 'change to /');
    assert.is(other, fd + 1, 'its descriptor is taken into account');
    assert.not.ok(readlinks(stub.pid).has(fd), 'not done yet');
    const results = stub.run(program);
    assert.is(results.at(moved), 0, 'results are those of the program alone');
    assert.is(readlinks(stub.pid).get(fd), '/');
  });
});

test('an error of what was left for later is thrown by the next program, which is not begun', () => {
  withStub((stub) => {
    const first = stub.program();
    first.call('fchdir', [77], 'change to 77');
    stub.later(first);
    const program = stub.program();
    const fd = program.open('openat', [AT_FDCWD, '/', O_RDONLY | O_CLOEXEC, 0], 'open /');
    assert.throws(
      () => stub.run(program),
      (error: OperationError) => error.executed === -1 && /^change to 77: EBADF/.test(error.message),
    );
    assert.not.ok(readlinks(stub.pid).has(fd));
    stub.flush();
  });
});

test('descriptor numbers are predicted, also after errors', () => {
  withStub((stub) => {
    const program = stub.program();
    const first = program.open('openat', [AT_FDCWD, '/', O_RDONLY | O_CLOEXEC, 0], 'open /');
    program.call('fchdir', [first], 'change to /');
    program.call('fchdir', [77], 'change to 77');
    program.close(first);
    assert.throws(
      () => stub.run(program),
      (error: { errno?: number }) => error.errno === EBADF,
    );
    const next = stub.program();
    const second = next.open('openat', [AT_FDCWD, '/', O_RDONLY | O_CLOEXEC, 0], 'open /');
    assert.is(second, first + 1, 'the first is still open');
    next.close(first);
    next.close(second);
    stub.run(next);
  });
});

test('it holds no descriptor but those given', () => {
  const file = openSync('/proc/self/status', 'r');
  withStub((stub) => {
    // execve(2) lets the launcher go on, which has lent its memory, before it closes what is close-on-exec.
    const held = () => [...readlinks(stub.pid).keys()].sort().join();
    eventually('it has let go of what is not its own', () => held() === '0,1,2,3,4');
    assert.ok(file > 2);
  });
});

test('preserved descriptors are 3 and up, extra ones behind the control descriptors', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tsoci-test-'));
  try {
    const [a = -1, b = -1, c = -1] = ['a', 'b', 'c'].map((name) => openSync(join(directory, name), 'w'));
    const launcher = startLauncher([b, a]);
    const stub = StubProcess.spawn(launcher, { stdio: [0, 1, 2], preserved: 2, extra: [c] });
    try {
      stub.flush();
      const entries = readlinks(stub.pid);
      assert.is(entries.get(3), join(directory, 'b'));
      assert.is(entries.get(4), join(directory, 'a'));
      assert.is(stub.control, 5);
      assert.is(entries.get(stub.extra(0)), join(directory, 'c'));
      assert.equal([...entries.keys()].sort(), [0, 1, 2, 3, 4, 5, 6, 7]);
    } finally {
      stub.dismiss();
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('a clone in new namespaces is driven by itself and outlives the stub that made it', () => {
  const stub = StubProcess.spawn(testLauncher(), { stdio: [0, 1, 2] });
  const child = stub.clone(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS, 'clone');
  stub.dismiss();
  const program = child.program();
  const pid = program.call('getpid', [], 'getpid');
  program.call('sethostname', ['inside', 6], 'sethostname');
  const name = Buffer.alloc(390);
  const fd = program.open('openat', [AT_FDCWD, '/proc/sys/kernel/hostname', O_RDONLY, 0], 'open hostname');
  const length = program.call('read', [fd, name, name.length], 'read hostname');
  const results = child.run(program);
  assert.is(results.at(pid), 1);
  assert.is(results.bytes(name).subarray(0, results.at(length)).toString(), 'inside\n');
  assert.is.not(readlinkSync(`/proc/${child.pid}/ns/uts`), readlinkSync('/proc/self/ns/uts'));
  child.dismiss();
});

test('a program longer than the buffer is run in parts', () => {
  withStub((stub) => {
    const program = stub.program();
    for (let i = 0; i < 3000; i++) program.call('umask', [i % 0o777], `umask ${i}`);
    const last = program.call('umask', [0o22], 'umask');
    assert.is(stub.run(program).at(last), 2999 % 0o777);
  });
});

test('execve with more arguments than the buffer holds', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tsoci-test-'));
  const out = openSync(join(directory, 'out'), 'w');
  const stub = StubProcess.spawn(testLauncher(), { stdio: [0, out, 2] });
  const program = stub.program();
  const environment = stringArray(Array.from({ length: 20 }, (_, i) => `V${i}=${'x'.repeat(10_000)}`));
  const lengths = ['V0', 'V19'].map((name) => `$(printf %s "$${name}" | wc -c)`).join(' ');
  program.call(
    'execve',
    ['/bin/sh', stringArray(['sh', '-c', `echo ${lengths} $0; exit 7`]), environment],
    'execute sh',
  );
  stub.exec(program);
  assert.equal(stub.wait(), { code: 7, signal: 0 });
  assert.is(readFileSync(join(directory, 'out'), 'utf8'), '10000 10000 sh\n');
  rmSync(directory, { recursive: true });
});

test('a failing execve is told and the stub exits', () => {
  const stub = StubProcess.spawn(testLauncher(), { stdio: [0, 1, 2] });
  const program = stub.program();
  program.call('execve', ['/no/such/file', stringArray(['x']), new Structure([0])], 'execute /no/such/file');
  assert.throws(() => stub.exec(program), /execute \/no\/such\/file: ENOENT/);
  stub.dismiss();
});

test('signals ignored by Node are at their defaults', () => {
  withStub((stub) => {
    assert.match(readFileSync(`/proc/${stub.pid}/status`, 'utf8'), /SigIgn:\t0{16}\n/);
  });
});

function readlinks(pid: number): Map<number, string> {
  const links = new Map<number, string>();
  for (let fd = 0; fd < 64; fd++) {
    try {
      links.set(fd, readlinkSync(`/proc/${pid}/fd/${fd}`));
    } catch {}
  }
  return links;
}

test.run();
