// When the agent of a seccomp filter is told of a container (config-linux.md#seccomp, listenerPath).

import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Seccomp, Syscall } from '../../src/config/generated/types.ts';
import { closeDescriptor } from '../../src/linux/descriptor.ts';
import { tryLibseccomp } from '../../src/security/seccomp/libseccomp.ts';
import { letsWait } from '../../src/security/seccomp/wait.ts';
import { type Change, Sandbox, userNamespace } from './harness.ts';
import { StreamListener } from './stream-listener.ts';

const test = suite('seccomp listener');
const box = new Sandbox();
let count = 0;

const ALLOW = 'SCMP_ACT_ALLOW';
const notify = (...names: string[]): Syscall => ({ names, action: 'SCMP_ACT_NOTIFY' });
const refuse = (...names: string[]): Syscall => ({ names, action: 'SCMP_ACT_ERRNO' });

/** The state that the agent was sent, and with which descriptors. */
function told(listener: StreamListener): { status: string; pid: number; files: string[] } | undefined {
  const received = listener.received();
  if (!received) return undefined;
  const { state, pid } = JSON.parse(received.text);
  const files = received.fds.map((fd) => readlinkSync(`/proc/self/fd/${fd}`));
  for (const fd of received.fds) closeDescriptor(fd);
  return { status: state.status, pid, files };
}

const cases: [what: string, syscalls: Syscall[], when: 'create' | 'start', change?: Change][] = [
  ['that lets init wait', [notify('swapoff')], 'create'],
  ['that lets init wait, in a user namespace', [notify('swapoff')], 'create', userNamespace],
  [
    'that lets init wait, of an ordinary user with few descriptors',
    [notify('swapoff')],
    'create',
    ({ process }) => {
      process.user = { uid: 1000, gid: 1000 };
      process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 8, hard: 8 }];
    },
  ],
  ['that refuses accept4', [notify('swapoff'), refuse('accept4')], 'start'],
  ['that asks about what init calls to wait', [notify('swapoff', 'fcntl')], 'start'],
];

for (const [what, syscalls, when, change = () => {}] of cases) {
  if (!tryLibseccomp()) {
    console.log('skipped: libseccomp.so.2 is not installed');
    break;
  }
  for (const noNewPrivileges of [true, false]) {
    test(`a filter ${what}: the agent is told during ${when}, no_new_privs ${noNewPrivileges}`, () => {
      const path = join(box.directory, `agent-${count++}`);
      const listener = new StreamListener(path);
      const id = box.id();
      box.configure('sleep 1000', (config) => {
        config.process.args = ['/bin/sleep', '1000'];
        config.process.noNewPrivileges = noNewPrivileges;
        config.linux.seccomp = { defaultAction: ALLOW, listenerPath: path, syscalls };
        change(config);
      });
      assert.is(box.detached('create', id), 0);
      const { pid } = box.state(id);
      const expected = { pid, files: ['anon_inode:seccomp notify'] };
      const filters = () => /^Seccomp:\s*(\d)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      if (when === 'create') assert.equal(told(listener), { status: 'creating', ...expected });
      // The same connection is open, and nothing was sent on it.
      assert.is(filters(), when === 'create' ? '2' : '0');
      assert.is(box.detached('start', id), 0);
      assert.is(box.state(id).status, 'running');
      assert.is(filters(), '2');
      const listened = when === 'start' ? told(listener) : undefined;
      if (when === 'start') assert.equal(listened, { status: 'created', ...expected });
      assert.is(box.detached('exec', '--detach', id, 'sleep', '1000'), 0);
      assert.is(told(listener)?.status, 'running');
      assert.is(box.tsoci('delete', '--force', id).status, 0);
      listener.close();
    });
  }
}

test('whether init can wait under a filter', () => {
  const waits = (defaultAction: Seccomp['defaultAction'], ...syscalls: Syscall[]) =>
    letsWait({ defaultAction, syscalls });
  const names = ['sendto', 'madvise', 'close', 'accept4', 'read', 'fcntl', 'prlimit64'];
  const allow: Syscall = { names, action: ALLOW };
  const args = [{ index: 0, value: 1, op: 'SCMP_CMP_EQ' as const }];
  assert.ok(waits(ALLOW));
  assert.ok(waits('SCMP_ACT_LOG', notify('mkdir'), refuse('chroot')));
  assert.ok(waits('SCMP_ACT_ERRNO', allow));
  assert.not.ok(waits('SCMP_ACT_ERRNO'));
  assert.not.ok(waits('SCMP_ACT_ERRNO', { ...allow, args }));
  for (const name of names) {
    assert.not.ok(waits(ALLOW, refuse(name)), name);
    assert.not.ok(waits(ALLOW, notify(name)), name);
    assert.not.ok(waits(ALLOW, { ...refuse(name), args }), name);
    assert.not.ok(waits('SCMP_ACT_ERRNO', { ...allow, names: names.filter((each) => each !== name) }), name);
  }
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
