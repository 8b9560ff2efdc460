// How a process has ended, where its exit status alone would be a riddle: run and exec say it in a line.

import { accessSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { exitStatus, explainEnd } from '../../src/container/attach/end.ts';
import { SIGKILL, SIGSYS } from '../../src/linux/constants.ts';
import { type Change, Sandbox } from '../container/harness.ts';

const test = suite('how a process has ended');
const box = new Sandbox();

/** chmod(2) and its kin end the process. */
const filtered: Change = ({ linux }) => {
  const names = ['chmod', 'fchmodat', 'fchmodat2'];
  linux.seccomp = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names, action: 'SCMP_ACT_KILL_PROCESS' }],
  };
};

/** proc_pid_ns(5): the inode of the first pid namespace (linux/nsfs.h, PID_NS_INIT_INO). */
const PID_NS_INIT_INO = 0xeffffffc;

/** The log has the pids of the first pid namespace. */
function readsKernelLog(): boolean {
  try {
    accessSync('/dev/kmsg');
    return statSync('/proc/self/ns/pid').ino === PID_NS_INIT_INO;
  } catch {
    return false;
  }
}

test('by a system call that the filter does not allow: its name is told', () => {
  const named = readsKernelLog() ? /the system call f?chmod(at2?)?\n$/ : /the kernel log may name/;
  box.configure('exec chmod 700 /tmp', filtered);
  const run = box.tsoci('run', box.id());
  assert.is(run.status, 128 + SIGSYS);
  assert.match(
    run.stderr,
    /^tsoci: warning: process \d+ was killed by SIGSYS: linux\.seccomp does not allow /,
  );
  assert.match(run.stderr, named);
  const id = box.id();
  box.configure('sleep 1000', filtered);
  assert.is(box.detached('run', '--detach', id), 0);
  const exec = box.tsoci('exec', id, 'chmod', '700', '/tmp');
  assert.is(exec.status, 128 + SIGSYS);
  assert.match(exec.stderr, named);
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

test('an end that needs no word has none', () => {
  for (const [script, status] of [
    ['exit 0', 0],
    ['exit 7', 7],
    ['exit 159', 159],
    ['kill -9 $$', 0],
    ['exit 137', 137],
  ] as const) {
    box.configure(script);
    const { stderr, status: ended } = box.tsoci('run', box.id());
    assert.is(stderr, '');
    // A process that is init of its pid namespace cannot kill itself.
    assert.is(ended, status);
  }
});

test('by the OOM killer, as memory.events counts it', () => {
  const cgroup = join(box.directory, 'cgroup');
  mkdirSync(cgroup);
  const told = (signal: number, killsBefore = 0) =>
    explainEnd({ pid: 7, status: { signal, code: 0 }, cgroup, killsBefore });
  assert.is(told(SIGKILL), undefined);
  writeFileSync(join(cgroup, 'memory.events'), 'low 0\nhigh 0\nmax 9\noom 2\noom_kill 2\n');
  assert.match(told(SIGKILL) ?? '', /^process 7 was killed by the OOM killer \(memory\.events: oom_kill 2\)/);
  assert.match(told(0) ?? '', /^processes of the container were killed by the OOM killer/);
  assert.is(told(SIGKILL, 2), undefined);
  assert.is(
    explainEnd({ pid: 7, status: { signal: SIGKILL, code: 0 }, cgroup: undefined, killsBefore: 0 }),
    undefined,
  );
  assert.is(exitStatus({ signal: SIGKILL, code: 0 }), 137);
  assert.is(exitStatus({ signal: 0, code: 5 }), 5);
});

test.after(() => box.close());
test.run();
