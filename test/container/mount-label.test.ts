// linux.mountLabel, decided: which mounts have it, and how. test/vm/guest/selinux has it enforced.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { planMount } from '../../src/rootfs/mount-plan.ts';

const label = 'system_u:object_r:container_file_t:s0:c1,c2';

function labelOf(type: string, options: string[] = [], ownIpc = true) {
  const mount = { destination: '/mnt', type, source: '/tmp', options };
  return planMount(mount, { bundle: '/', rootfs: '/rootfs', label, ownIpc }).label;
}

test('new filesystems have it as an option', () => {
  for (const type of ['tmpfs', 'devpts', 'overlay', 'ext4'])
    assert.equal(labelOf(type, ['nosuid']), { context: label });
});

test('what labels its files itself, and what is the host’s, too, stays as it is', () => {
  for (const type of ['proc', 'sysfs', 'cgroup', 'cgroup2', 'securityfs', 'debugfs', 'devtmpfs'])
    assert.is(labelOf(type), undefined, type);
});

test('an mqueue has it at its root, if the ipc namespace is the container’s', () => {
  assert.equal(labelOf('mqueue'), { root: label });
  assert.is(labelOf('mqueue', [], false), undefined);
});

test('a label among the options of the mount is the one that is meant', () => {
  for (const option of [`context=${label}`, `context="${label}"`, 'rootcontext=other'])
    assert.is(labelOf('tmpfs', [option]), undefined, option);
});

test('a bind mount and a remount have what is there', () => {
  assert.is(labelOf('none', ['bind']), undefined);
  assert.is(labelOf('tmpfs', ['remount', 'ro']), undefined);
});

test.run();
