// Updates: what is merged, what is written, what happens when the kernel refuses.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readCgroupFile } from '../../src/cgroups/cgroup-files.ts';
import { mergeResources } from '../../src/cgroups/resources/merge.ts';
import { planUpdate, updateCgroup } from '../../src/cgroups/update-cgroup.ts';
import type { Resources } from '../../src/config/generated/types.ts';
import { inCgroup, writableHierarchy } from './support.ts';

const test = suite('cgroups: update');

function writes(current: Resources, changes: Resources): string[] {
  return planUpdate(current, changes, () => true).writes.map(({ file, value }) => `${file}=${value}`);
}

test('what is not named stays', () => {
  const current: Resources = {
    memory: { limit: 10, reservation: 5 },
    cpu: { shares: 1024 },
    unified: { 'a.b': '1' },
    devices: [{ allow: false }],
  };
  assert.equal(mergeResources(current, { memory: { limit: 20 }, unified: { 'c.d': '2' } }), {
    memory: { limit: 20, reservation: 5 },
    cpu: { shares: 1024 },
    unified: { 'a.b': '1', 'c.d': '2' },
    devices: [{ allow: false }],
  });
});

test('lists change by device and page size', () => {
  const throttle = (minor: number, rate: number) => ({ major: 8, minor, rate });
  const merged = mergeResources(
    {
      hugepageLimits: [{ pageSize: '2MB', limit: 1 }],
      blockIO: { throttleReadBpsDevice: [throttle(0, 1), throttle(1, 1)] },
    },
    {
      hugepageLimits: [{ pageSize: '1GB', limit: 2 }],
      blockIO: { weight: 10, throttleReadBpsDevice: [throttle(1, 2)] },
    },
  );
  assert.equal(merged, {
    hugepageLimits: [
      { pageSize: '2MB', limit: 1 },
      { pageSize: '1GB', limit: 2 },
    ],
    blockIO: { weight: 10, throttleReadBpsDevice: [throttle(0, 1), throttle(1, 2)] },
  });
});

test('only what is named or changes is written', () => {
  const current: Resources = { memory: { limit: 10, swap: 30, reservation: 5 }, pids: { limit: 7 } };
  assert.equal(writes(current, {}), []);
  assert.equal(writes(current, { memory: { reservation: 5 } }), ['memory.low=5']);
  assert.equal(writes(current, { pids: { limit: 8 } }), ['pids.max=8']);
});

test('swap follows the memory limit', () => {
  const current: Resources = { memory: { limit: 10, swap: 30 } };
  assert.equal(writes(current, { memory: { limit: 20 } }), ['memory.swap.max=10', 'memory.max=20']);
  assert.equal(writes(current, { memory: { swap: 15 } }), ['memory.swap.max=5']);
  assert.equal(writes(current, { memory: { limit: -1 } }), ['memory.swap.max=max', 'memory.max=max']);
  assert.throws(() => writes(current, { memory: { limit: 31 } }), /must not be below/);
});

test('quota and burst change together', () => {
  const current: Resources = { cpu: { quota: 100, period: 1000, burst: 100 } };
  assert.equal(writes(current, { cpu: { quota: 50, burst: 50 } }), [
    'cpu.max.burst=0',
    'cpu.max=50 1000',
    'cpu.max.burst=50',
  ]);
  assert.equal(writes(current, { cpu: { period: 2000 } }), ['cpu.max=100 2000']);
});

test('a unified value that stays does not undo the change of a field', () => {
  const current: Resources = { memory: { limit: 10 }, unified: { 'memory.max': '5' } };
  assert.equal(writes(current, { memory: { limit: 20 } }), ['memory.max=20']);
});

const hierarchy = writableHierarchy();
if (hierarchy?.controllers.includes('hugetlb')) {
  const pageSize = '2MB';
  const page = 2 * 1024 * 1024;

  test('an update reaches the files, and returns all that holds now', () =>
    inCgroup(hierarchy, ({ directory }) => {
      const first = updateCgroup(directory, {}, { hugepageLimits: [{ pageSize, limit: 3 * page }] });
      const { resources } = updateCgroup(directory, first.resources, {
        unified: { 'cgroup.max.depth': '3' },
      });
      assert.equal(resources, {
        hugepageLimits: [{ pageSize, limit: 3 * page }],
        unified: { 'cgroup.max.depth': '3' },
      });
      assert.is(readCgroupFile(directory, 'hugetlb.2MB.max'), String(3 * page));
      assert.is(readCgroupFile(directory, 'cgroup.max.depth'), '3');
    }));

  test('if one value is refused the others are put back', () =>
    inCgroup(hierarchy, ({ directory }) => {
      const current = { hugepageLimits: [{ pageSize, limit: 3 * page }] };
      updateCgroup(directory, {}, current);
      const changes = { hugepageLimits: [{ pageSize, limit: page }], unified: { 'cgroup.max.depth': 'x' } };
      assert.throws(
        () => updateCgroup(directory, current, changes),
        /set linux\.resources\.unified\["cgroup\.max\.depth"\]: write "x" to cgroup\.max\.depth of cgroup .*: EINVAL/,
      );
      assert.is(readCgroupFile(directory, 'hugetlb.2MB.max'), String(3 * page));
    }));

  test('a controller that the cgroup does not have', () =>
    inCgroup(hierarchy, ({ directory }) => {
      assert.throws(
        () => updateCgroup(directory, {}, { unified: { 'nosuch.max': '1' } }),
        /unified\["nosuch\.max"\] \(file nosuch\.max\) needs the cgroup v2 controller nosuch/,
      );
    }));
} else console.log('# skipped: updates of a cgroup (no hugetlb controller)');

test.run();
