// The guest is what the other guest tests count on.

import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const mebibyte = 1 << 20;
const read = (path: string) => readFileSync(path, 'utf8').trim();

function run(command: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', timeout: 60_000 });
  assert.is(status, 0, `${command} ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout.trim();
}

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

/** A bundle of busybox whose process prints its own memory limit. */
function makeBundle(limit: number): string {
  const bundle = mkdtempSync(join(tmpdir(), 'smoke-'));
  for (const name of ['bin', 'dev', 'proc', 'sys'])
    mkdirSync(join(bundle, 'rootfs', name), { recursive: true });
  copyFileSync('/bin/busybox', join(bundle, 'rootfs/bin/busybox'));
  symlinkSync('busybox', join(bundle, 'rootfs/bin/cat'));
  const config = {
    ociVersion: '1.0.2',
    root: { path: 'rootfs' },
    process: { cwd: '/', user: { uid: 0, gid: 0 }, args: ['/bin/cat', '/sys/fs/cgroup/memory.max'] },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
      { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro'] },
    ],
    linux: {
      namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'].map((type) => ({ type })),
      resources: { memory: { limit } },
    },
  };
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
  return bundle;
}

const tsoci = existsSync('dist/tsoci') ? ['tsoci'] : [];
for (const runtime of ['runc', 'crun', ...tsoci]) {
  test(`${runtime} applies a memory limit`, () => {
    const limit = 64 * mebibyte;
    const bundle = makeBundle(limit);
    try {
      assert.is(run(runtime, 'run', '--bundle', bundle, `smoke-${runtime}`), String(limit));
    } finally {
      rmSync(bundle, { recursive: true });
    }
  });
}

test.run();
