// The guest is what the other guest tests count on.

import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Sandbox } from '../../container/harness.ts';
import { memoryLimitSeenInside, run, runtimes } from './smoke.ts';

const mebibyte = 1 << 20;
const read = (path: string) => readFileSync(path, 'utf8').trim();

test('every controller is cgroup v2 and delegated', () => {
  const controllers = 'cpuset cpu io memory hugetlb pids rdma misc';
  assert.is(read('/sys/fs/cgroup/cgroup.controllers'), controllers);
  assert.is(read('/sys/fs/cgroup/cgroup.subtree_control'), controllers);
  assert.not.match(read('/proc/self/mountinfo'), ' - cgroup ');
});

test('AppArmor is enabled', () => {
  assert.is(read('/sys/module/apparmor/parameters/enabled'), 'Y');
  assert.ok(existsSync('/sys/kernel/security/apparmor/.load'));
});

test('two processors, huge pages, pressure files, and a disk to throttle', () => {
  assert.is(availableParallelism(), 2);
  assert.is(read('/proc/sys/vm/nr_hugepages'), '8');
  assert.ok(existsSync('/proc/pressure/cpu'));
  const sectors = Number(read('/sys/block/vdc/size'));
  assert.is(sectors * 512, 256 * mebibyte);
});

test('user namespaces', () => {
  assert.is(run('busybox', 'unshare', '-U', '-r', 'id', '-u'), '0');
});

test('modules load on demand', () => {
  run('ip', 'link', 'add', 'veth-a', 'type', 'veth', 'peer', 'name', 'veth-b');
  run('ip', 'link', 'delete', 'veth-a');
  run('nft', 'list', 'ruleset');
  assert.match(read('/proc/modules'), /^veth /m);
});

for (const runtime of runtimes) {
  test(`${runtime} applies a memory limit`, () => {
    const limit = 64 * mebibyte;
    assert.is(memoryLimitSeenInside(limit, runtime), String(limit));
  });
}

test('tsoci masks several directories and several files', () => {
  const box = new Sandbox();
  const maskedPaths = ['/proc/fs', '/proc/tty', '/proc/kcore', '/proc/keys', '/sys/firmware'];
  const script = 'ls -A /proc/fs /proc/tty /sys/firmware; cat /proc/kcore /proc/keys; cat /proc/mounts';
  const output = box.run(script, ({ linux }) => Object.assign(linux, { maskedPaths }));
  const [contents = '', mounts = ''] = output.split(/^(?=\S+ \/ )/m);
  assert.is(contents, '/proc/fs:\n\n/proc/tty:\n\n/sys/firmware:\n');
  for (const path of maskedPaths) assert.match(mounts, ` ${path} `);
  assert.equal(box.leftovers(), []);
  box.close();
});

test.run();
