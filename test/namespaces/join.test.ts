// What the matrix does not look at: where a process is that joins namespaces by path.

import { readFileSync, readlinkSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Sandbox, userNamespace } from '../container/harness.ts';

const test = suite('joining namespaces');
const box = new Sandbox();

// Where cgroup2 is mounted with nsdelegate, as in the test machine, the cgroup must be entered before the namespace is
// joined: seen there the other way round, the second container did not start. Without nsdelegate the kernel allows both.
test('a container that joins the cgroup namespace of another is in its own cgroup, and exec too', () => {
  const [first, second] = [box.id(), box.id()];
  box.configure('sleep 1000');
  assert.is(box.detached('run', '--detach', first), 0);
  const path = `/proc/${box.state(first).pid}/ns/cgroup`;
  box.configure('sleep 1000', ({ linux }) => {
    const others = (linux.namespaces ?? []).filter(({ type }) => type !== 'cgroup');
    linux.namespaces = [...others, { type: 'cgroup', path }];
  });
  assert.is(box.detached('run', '--detach', second), 0);
  const { pid } = box.state(second);
  assert.is(readlinkSync(`/proc/${pid}/ns/cgroup`), readlinkSync(path));
  assert.match(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), new RegExp(`^0::/tsoci/${second}$`, 'm'));
  const { stdout, stderr } = box.tsoci('exec', second, 'cat', '/proc/self/cgroup');
  assert.match(stdout, new RegExp(`^0::/../${second}$`, 'm'), stderr);
  for (const id of [first, second]) assert.is(box.tsoci('delete', '--force', id).status, 0);
});

// Seen before: enter the cgroup namespace of process …: EPERM. In the user namespace nobody has a right to it.
test('exec enters a cgroup namespace that does not belong to the user namespace, and its cgroup', () => {
  const [first, second] = [box.id(), box.id()];
  box.configure('sleep 1000');
  assert.is(box.detached('run', '--detach', first), 0);
  const path = `/proc/${box.state(first).pid}/ns/cgroup`;
  box.configure('sleep 1000', (config) => {
    userNamespace(config);
    const { linux, mounts = [] } = config;
    const others = (linux.namespaces ?? []).filter(({ type }) => type !== 'cgroup');
    linux.namespaces = [...others, { type: 'cgroup', path }];
    config.mounts = mounts.filter(({ type }) => type !== 'cgroup');
    const inside = `test "$(readlink /proc/self/ns/cgroup)" = "${readlinkSync(path)}"`;
    config.hooks = { createContainer: [{ path: '/bin/sh', args: ['sh', '-c', inside] }] };
  });
  assert.is(box.detached('run', '--detach', second), 0);
  const { stdout, stderr } = box.tsoci('exec', second, 'cat', '/proc/self/cgroup');
  assert.match(stdout, new RegExp(`^0::/../${second}$`, 'm'), stderr);
  for (const id of [first, second]) assert.is(box.tsoci('delete', '--force', id).status, 0);
});

test('a user namespace that is joined: what it must be, and must have', () => {
  const id = box.id();
  box.configure('sleep 1000', userNamespace);
  assert.is(box.detached('run', '--detach', id), 0);
  const refused = (pid: number | 'self', uid: number): string => {
    box.configure('true', ({ process, linux }) => {
      process.user = { uid, gid: 0 };
      linux.namespaces?.push({ type: 'user', path: `/proc/${pid}/ns/user` });
    });
    return box.tsoci('run', box.id()).stderr;
  };
  assert.match(refused('self', 0), /^tsoci: open user namespace .*: it is that of the runtime; .*\n$/);
  assert.match(
    refused(box.state(id).pid, 70_000),
    /^tsoci: become user 70000, which the user namespace must have: EINVAL .*\n$/,
  );
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
