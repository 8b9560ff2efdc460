// startContainer hooks are programs of the image: they may do no more than its process may.

import { chmodSync, copyFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Change, Sandbox, userNamespace } from '../container/harness.ts';
import { attempt, refused } from './support.ts';

const test = suite('startContainer hooks');
const box = new Sandbox();
chmodSync(join(box.rootfs, 'tmp'), 0o1777);

/** All that confines a process, as it sees it itself. */
const look = `
  grep -E '^(Uid|Gid|Groups|Cap...|NoNewPrivs|Seccomp|Seccomp_filters|Cpus_allowed):' /proc/self/status
  cat /proc/self/limits /proc/self/oom_score_adj /proc/self/cgroup
  readlink /proc/self/ns/*
  umask; pwd; env`;

const user: Change = ({ process }) => {
  process.user = { uid: 1000, gid: 1000, additionalGids: [7], umask: 0o27 };
  process.cwd = '/tmp';
};

const limited: Change = ({ process, linux }) => {
  process.noNewPrivileges = true;
  process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 200 }];
  process.oomScoreAdj = 500;
  const syscalls = [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' as const }];
  linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls };
};

const privileged: Change = (config) => {
  limited(config);
  config.process.noNewPrivileges = false;
};

// Seen while hooks came in as root (this was a hole): CapEff had all capabilities, and nothing else was the same either.
for (const [what, ...changes] of [
  ['as root'],
  ['as a user', user],
  ['with limits and a filter', limited],
  ['with a filter, without no_new_privs', user, privileged],
  ['in a user namespace', userNamespace],
  ['as a user, with limits and a filter, in a user namespace', user, limited, userNamespace],
] as [string, ...Change[]][]) {
  test(`${what} they are confined as the process is`, () => {
    const seen = join(box.rootfs, 'tmp', 'hook');
    rmSync(seen, { force: true });
    box.configure(look, (config) => {
      config.process.env = ['PATH=/bin', 'COLOUR=blue'];
      for (const change of changes) change(config);
      config.hooks = { startContainer: [{ path: '/bin/sh', args: ['sh', '-c', `(${look}) >/tmp/hook`] }] };
    });
    const { status, stdout, stderr } = box.tsoci('run', box.id());
    assert.is(status, 0, stderr);
    const hook = readFileSync(seen, 'utf8');
    assert.match(hook, /^CapEff:/m);
    assert.match(hook, /^COLOUR=blue$/m);
    assert.is(hook, stdout);
  });
}

test('a filter holds for a hook', () => {
  const result = attempt(box, 'echo alive', (config) => {
    limited(config);
    config.hooks = { startContainer: [{ path: '/bin/mkdir', args: ['mkdir', '/tmp/made'] }] };
  });
  refused(result, /startContainer hook 0 \(\/bin\/mkdir\): exit status 1; its output: .*not permitted/);
});

test('a program that only root of the image may execute is no hook for a user', () => {
  const path = join(box.rootfs, 'bin', 'private');
  copyFileSync(join(box.rootfs, 'bin', 'busybox'), path);
  chmodSync(path, 0o700);
  const result = attempt(box, 'echo alive', (config) => {
    user(config);
    config.hooks = { startContainer: [{ path: '/bin/private', args: ['true'] }] };
  });
  refused(result, /startContainer hook 0 \(\/bin\/private\): execute \/bin\/private: EACCES/);
});

test('createContainer hooks are programs of the host, and have its rights', () => {
  const seen = join(box.directory, 'seen');
  const { status, stderr } = attempt(box, 'true', (config) => {
    user(config);
    limited(config);
    const args = ['sh', '-c', `cat /proc/self/status >${seen}`];
    config.hooks = { createContainer: [{ path: '/bin/sh', args }] };
  });
  assert.is(status, 0, stderr);
  const held = /^CapEff:.*$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[0] ?? '';
  const text = readFileSync(seen, 'utf8');
  assert.ok(text.includes(held), text);
  assert.match(text, /^Uid:\t0\t/m);
  assert.match(text, /^Seccomp:\t0$/m);
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
