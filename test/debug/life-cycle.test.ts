// Stops at the steps of a container's life, and in containers of more kinds: with hooks, a seccomp filter, users of its own,
// limits, a terminal; and of a server.

import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Hooks } from '../../src/config/generated/types.ts';
import { hookNames } from '../../src/config/rules/hooks.ts';
import { phases } from '../../src/linux/steps.ts';
import { type Change, Sandbox, userNamespace } from '../container/harness.ts';

const box = new Sandbox();
test.after(() => box.close());
test.after.each(() => assert.equal(box.leftovers(), []));

function debug(commands: readonly string[], ...args: string[]): { status: number | null; shown: string } {
  const input = commands.map((command) => `${command}\n`).join('');
  const { status, stdout, stderr } = box.tsociWith({ input }, 'debug', ...args, box.id());
  return { status, shown: stdout + stderr };
}

const marks = join(box.directory, 'marks');

/** A hook of each kind; that of one kind fails. Those of the container write nothing: they may not see the host's files. */
const hooked =
  (failing?: keyof Hooks): Change =>
  (config) => {
    const host = (kind: string) => ({
      path: '/bin/sh',
      args: ['sh', '-c', `echo ${kind} >>${marks}; ${kind === failing ? 'echo why; exit 3' : 'true'}`],
    });
    config.hooks = Object.fromEntries(
      hookNames.map((kind) => [kind, [kind.endsWith('Container') ? { path: '/bin/true' } : host(kind)]]),
    );
  };

test('each hook point, the namespaces, the root filesystem and the start are steps to stop at', () => {
  box.configure('true', hooked());
  const breaks = phases.flatMap((step) => ['--break', step]);
  const { status, shown } = debug(
    phases.map(() => 'continue'),
    ...breaks,
  );
  assert.is(status, 0, shown);
  const hits = [...shown.matchAll(/^breakpoint (\d+) before /gm)].map(([, number]) => Number(number));
  assert.equal(
    hits,
    phases.map((_, i) => i + 2),
  );
  rmSync(marks);
});

test('a hook that fails is told with what it has written; it is done again by retry, and left out by skip', () => {
  box.configure('echo reached', hooked('createRuntime'));
  const { status, shown } = debug(['where', 'retry', 'skip']);
  assert.is(status, 0, shown);
  assert.match(shown, /error: createRuntime hook 0 \(\/bin\/sh\): exit status 3.*why/s);
  assert.match(shown, /property {2}hooks\.createRuntime\[0\]/);
  assert.match(shown, /reached/);
  const done = readFileSync(marks, 'utf8').trim().split('\n');
  assert.equal(done, ['prestart', 'createRuntime', 'createRuntime', 'poststart', 'poststop']);
  rmSync(marks);
});

test('after a failed hook poststop hooks run, as always', () => {
  box.configure('true', hooked('createRuntime'));
  assert.is(debug(['quit', 'quit']).status, 1);
  assert.not(existsSync(marks));
  assert.is(debug(['where', 'quit']).status, 1);
  assert.equal(readFileSync(marks, 'utf8').trim().split('\n'), ['prestart', 'createRuntime', 'poststop']);
  rmSync(marks);
});

/** A filter that does not let init hear or answer. */
const deaf: Change = ({ linux }) => {
  linux.seccomp = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['sendto', 'recvfrom', 'sendmsg'], action: 'SCMP_ACT_ERRNO' }],
  };
};

test('a filter goes in one piece with execve: a breakpoint at either stops before both', () => {
  for (const where of ['linux.seccomp', 'execve']) {
    box.configure('echo reached', deaf);
    const { status, shown } = debug(['where', 'print seccomp', 'list 1', 'step'], '--break', where);
    assert.is(status, 0, shown);
    assert.match(shown, /breakpoint 2 before \d+, init \d+: linux\.seccomp/, where);
    assert.match(shown, /reached/);
  }
});

test('skip leaves the filter out', () => {
  box.configure('grep Seccomp: /proc/self/status', deaf);
  const { shown } = debug(['skip', 'continue'], '--break', 'linux.seccomp');
  assert.match(shown, /install the seccomp filter was left out/);
  assert.match(shown, /Seccomp:\t0/);
});

test('users of a user namespace: ids, and programs of the host as its root', () => {
  box.configure('true', userNamespace);
  const { shown } = debug(
    ['print ids', 'run id -u; cat /proc/self/uid_map; ls -d proc', 'quit'],
    '--break',
    'mounts[4]',
  );
  assert.match(shown, /uid_map +0 100000 65536/);
  assert.match(shown, /^0\n +0 +100000 +65536\nproc$/m);
});

test('after pivot_root the root is that of init', () => {
  box.configure('true');
  const { shown } = debug(['run ls -d bin/busybox; pwd', 'quit'], '--break', 'process.capabilities');
  assert.match(shown, /bin\/busybox\n\/mnt/);
});

test('a limit that cannot be set is left out, or changed', () => {
  const limited: Change = ({ linux }) => {
    linux.resources = { unified: { 'cgroup.max.depth': 'deep' } };
  };
  box.configure('echo reached', limited);
  const { status, shown } = debug(['where', 'skip']);
  assert.is(status, 0, shown);
  assert.match(shown, /error: set linux\.resources\.unified/);
  assert.match(shown, /reached/);
  box.configure('echo reached', limited);
  const file = join(box.bundle, 'config.json');
  const edited = debug(['where', `run sed -i s/deep/9/ ${file}`, 'edit', 'retry', 'print cgroup', 'quit']);
  assert.match(edited.shown, /read again: linux\.resources\.unified/);
});

test('a sysctl that the kernel refuses is left out', () => {
  box.configure('echo reached', ({ linux }) => {
    linux.sysctl = { 'net.ipv4.ip_forward': 'perhaps' };
  });
  const { status, shown } = debug(['where', 'skip']);
  assert.is(status, 0, shown);
  assert.match(shown, /property {2}linux\.sysctl\["net\.ipv4\.ip_forward"\]/);
});

test('an error breakpoint that was deleted does not stop', () => {
  box.configure('true', ({ process }) => {
    process.args = ['/bin/missing'];
  });
  const { status, shown } = debug(['delete 1', 'continue', 'where']);
  assert.is(status, 1);
  assert.not.match(shown, /^error:/m);
});

test('a container with a terminal, by a script', () => {
  box.configure('tty', ({ process }) => {
    process.terminal = true;
  });
  const { status, shown } = debug(['break process.terminal', 'continue', 'continue']);
  assert.is(status, 0, shown);
  assert.match(shown, /\/dev\/pts\/0/);
});

test.run();
