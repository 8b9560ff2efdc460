// Finding cgroup v2, and the place of a container's cgroup in it.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findCgroup2Mount, findHierarchy, parseProcCgroup } from '../../src/cgroups/hierarchy.ts';
import { containerCgroupPath, rootlessParent, subCgroup } from '../../src/cgroups/path.ts';

const test = suite('cgroups: hierarchy and path');

test('the cgroup2 mount is found among cgroup v1 mounts', () => {
  const mountinfo = [
    '30 22 0:27 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755',
    '31 30 0:28 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu',
    '40 30 0:37 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw',
  ].join('\n');
  assert.is(findCgroup2Mount(mountinfo), '/sys/fs/cgroup/unified');
});

test('a mount of the whole hierarchy goes before one of a part', () => {
  const whole = '40 30 0:37 / /whole rw - cgroup2 cgroup2 rw';
  const part = '41 30 0:37 /a/b /part rw - cgroup2 cgroup2 rw';
  assert.is(findCgroup2Mount(`${whole}\n${part}\n`), '/whole');
  assert.is(findCgroup2Mount(`${part}\n${whole}\n`), '/whole');
  assert.is(findCgroup2Mount(part), '/part');
});

test('escapes of mountinfo are undone', () => {
  assert.is(findCgroup2Mount('40 30 0:37 / /a\\040b\\134c rw - cgroup2 none rw'), '/a b\\c');
});

test('a host without cgroup2 has no hierarchy', () => {
  assert.is(findCgroup2Mount('31 30 0:28 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu'), undefined);
});

test('the v2 line of /proc/PID/cgroup', () => {
  assert.is(parseProcCgroup('9:name=systemd:/x\n1:cpu:/y\n0::/a/b:c\n'), '/a/b:c');
  assert.is(parseProcCgroup('0::/gone (deleted)\n'), '/gone');
  assert.is(parseProcCgroup('1:cpu:/y\n'), undefined);
});

test('this host', () => {
  const hierarchy = findHierarchy();
  if (!hierarchy) return console.log('# skipped: the host has no cgroup2 mount');
  assert.match(hierarchy.mountPoint, /^\/sys\/fs\/cgroup/);
});

test('cgroupsPath: absolute from the mount point, relative and unset below the default parent', () => {
  assert.is(containerCgroupPath('/a/b', 'id'), '/a/b');
  assert.is(containerCgroupPath('//a/./b/', 'id'), '/a/b');
  assert.is(containerCgroupPath('a/b', 'id'), '/tsoci/a/b');
  assert.is(containerCgroupPath(undefined, 'id'), '/tsoci/id');
  assert.is(containerCgroupPath('', 'id'), '/tsoci/id');
  assert.is(containerCgroupPath(undefined, 'id', '/user/tsoci'), '/user/tsoci/id');
});

test('cgroupsPath: what leads out, the root, and systemd names are refused', () => {
  for (const path of ['/a/../..', '../a', 'a/..', '/..'])
    assert.throws(() => containerCgroupPath(path, 'id'), /linux\.cgroupsPath .* component "\.\."/);
  assert.throws(() => containerCgroupPath('/a\0b', 'id'), /NUL/);
  for (const path of ['/', '//', '.', '/./'])
    assert.throws(() => containerCgroupPath(path, 'id'), /root cgroup/);
  for (const path of ['system.slice:tsoci:id', ':tsoci:id', 'a-b.slice::id'])
    assert.throws(() => containerCgroupPath(path, 'id'), /--systemd-cgroup/);
  assert.is(containerCgroupPath('/a:b:c', 'id'), '/a:b:c');
});

test('without rights at the root the default parent is beside our own cgroup', () => {
  assert.is(rootlessParent('/user.slice/user-1000.slice/app.scope'), '/user.slice/user-1000.slice/tsoci');
  assert.is(rootlessParent('/'), '/tsoci');
});

test('exec --cgroup stays below the container', () => {
  assert.is(subCgroup('/m/c', '/sub/x'), '/m/c/sub/x');
  assert.is(subCgroup('/m/c', '/'), '/m/c');
  assert.throws(() => subCgroup('/m/c', 'a/../../b'), /component "\.\."/);
});

test.run();
