// linux.resources in a machine with pure cgroup v2 and all its controllers: each value in its file, and what the kernel
// makes of it. One container of each runtime has all limits and tries them all: a runtime is slow to start here. runc
// and crun pass the same checks, but for the values in PEER_VALUES (docs/cgroups.md tells why).

import { closeSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createCgroup } from '../../../src/cgroups/create-cgroup.ts';
import { findHierarchy } from '../../../src/cgroups/hierarchy.ts';
import { limitCgroup, needsOf } from '../../../src/cgroups/limit.ts';
import { removeCgroup } from '../../../src/cgroups/remove.ts';
import { cgroupTree, eventually, type Runtime, withContainer } from '../../cgroups/guest.ts';
import { inCgroup } from '../../cgroups/support.ts';

const MIB = 1 << 20;

/** The disk that may be throttled. */
const disk = readFileSync('/sys/block/vdc/dev', 'utf8').trim();
const [major = 0, minor = 0] = disk.split(':').map(Number);
const device = { major, minor };

const RESOURCES = {
  memory: { limit: 64 * MIB, reservation: 32 * MIB, swap: 96 * MIB },
  cpu: { shares: 2048, quota: 50_000, period: 100_000, burst: 10_000, cpus: '1', mems: '0' },
  pids: { limit: 8 },
  blockIO: {
    weight: 100,
    throttleReadBpsDevice: [{ ...device, rate: 3 * MIB }],
    throttleWriteBpsDevice: [{ ...device, rate: MIB }],
    throttleReadIOPSDevice: [{ ...device, rate: 100 }],
    throttleWriteIOPSDevice: [{ ...device, rate: 200 }],
  },
  hugepageLimits: [{ pageSize: '2MB', limit: 4 * MIB }],
  unified: { 'memory.min': '65536', 'cgroup.max.descendants': '9' },
  devices: [
    { allow: false, access: 'rwm' },
    { allow: true, type: 'c', major: 1, minor: 11, access: 'r' },
    { allow: true, type: 'b', ...device, access: 'w' },
  ],
};

const VALUES: Record<string, string> = {
  'memory.max': String(64 * MIB),
  'memory.low': String(32 * MIB),
  'memory.swap.max': String(32 * MIB),
  'memory.min': '65536',
  'cpu.weight': '174',
  'cpu.max': '50000 100000',
  'cpu.max.burst': '10000',
  'cpuset.cpus': '1',
  'cpuset.mems': '0',
  'pids.max': '8',
  'io.weight': 'default 910',
  'io.max': `${disk} rbps=${3 * MIB} wbps=${MIB} riops=100 wiops=200`,
  'hugetlb.2MB.max': String(4 * MIB),
  'hugetlb.2MB.rsvd.max': String(4 * MIB),
  'cgroup.max.descendants': '9',
};

/** The peers of this guest map shares linearly, and know neither burst nor limits of reservations. */
const PEER_VALUES: Record<string, string> = {
  'cpu.weight': '79',
  'cpu.max.burst': '0',
  'hugetlb.2MB.rsvd.max': 'max',
};

/** The huge pages of the guest are 16 MiB, so what is refused is refused by the limit. */
const MOUNTS = [{ destination: '/huge', type: 'hugetlbfs', source: 'hugetlbfs' }];

/** Tries every device, writes 3 MiB to the disk, asks for too many huge pages and too much memory, forks too often, and uses the CPU. */
const SCRIPT = `
mknod /kmsg c 1 11; mknod /disk b ${major} ${minor}; mknod /zero c 1 5
for device in kmsg disk zero; do
  (exec 3< /$device) 2>/dev/null && echo $device read
  (exec 3>> /$device) 2>/dev/null && echo $device written
done > /opened
date +%s > /from; dd if=/zero of=/disk bs=256k count=12 oflag=direct 2>/dev/null && date +%s > /to
fallocate -l 4M /huge/allowed && echo allowed > /pages
fallocate -l 2M /huge/refused || echo refused >> /pages
dd if=/zero of=/zero bs=100M count=1 2>/dev/null; echo $? > /killed
(for i in 1 2 3 4 5 6 7 8 9; do sleep 1000 & done)
while :; do :; done
`;

const before = cgroupTree();
const hierarchy = findHierarchy();
if (!hierarchy) throw new Error('the guest has no cgroup2 mount');

for (const runtime of ['tsoci', 'runc', 'crun'] as const satisfies Runtime[]) {
  test(`${runtime}: every limit is in its file, and the kernel enforces it`, () =>
    withContainer(
      runtime,
      { resources: RESOURCES, script: SCRIPT, mounts: MOUNTS },
      async ({ bundle, file, inside, pid }) => {
        const ours = runtime === 'tsoci' ? {} : PEER_VALUES;
        for (const [name, value] of Object.entries(VALUES)) assert.is(file(name), ours[name] ?? value, name);
        assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), /^Cpus_allowed_list:\t1$/m);

        await eventually('the memory limit kills', () => existsSync(join(bundle, 'rootfs/killed')));
        await eventually('a fork fails', () => /max [1-9]/.test(file('pids.events')));
        await eventually('the CPU quota is used up', () => /nr_throttled [1-9]/.test(file('cpu.stat')));
        assert.equal(inside('opened').split('\n'), [
          'kmsg read',
          'disk written',
          'zero read',
          'zero written',
        ]);
        assert.ok(Number(inside('to')) - Number(inside('from')) >= 2, 'the writes took 2 seconds or more');
        assert.match(file('io.stat'), `wbytes=${3 * MIB}`);
        assert.is(inside('pages'), 'allowed\nrefused');
        assert.match(file('hugetlb.2MB.events'), /^max [1-9]/);
        assert.is(inside('killed'), '137');
        assert.match(file('memory.events'), /^oom_kill 1$/m);
        assert.ok(Number(file('pids.current')) <= 8);
      },
    ));
}

const ERRORS: [resources: object, message: RegExp][] = [
  [{ cpu: { cpus: '9' } }, /linux\.resources\.cpu\.cpus: .*cpuset\.cpus/],
  [{ hugepageLimits: [{ pageSize: '4MB', limit: 0 }] }, /no huge pages of 4MB/],
  [{ rdma: { nosuch: { hcaHandles: 1 } } }, /linux\.resources\.rdma\["nosuch"\]: .*ENODEV/],
  [{ unified: { 'memory.nosuch': '1' } }, /unified\["memory\.nosuch"\]: .*controller memory has no file/],
  [{ unified: { 'nosuch.max': '1' } }, /needs the cgroup v2 controller nosuch/],
  [{ blockIO: { throttleReadBpsDevice: [{ major: 99, minor: 9, rate: 1 }] } }, /no such block device/],
  [{ blockIO: { weightDevice: [{ ...device, weight: 500 }] } }, /neither BFQ .* nor iocost/],
];

test('what the kernel refuses is told', () => {
  for (const [resources, message] of ERRORS) {
    const attempt = () => {
      const cgroup = createCgroup(hierarchy, '/wrong', needsOf(resources));
      try {
        limitCgroup(cgroup, resources);
      } finally {
        closeSync(cgroup.fd);
        removeCgroup(cgroup.directory, hierarchy.mountPoint);
      }
    };
    assert.throws(attempt, message, `${JSON.stringify(resources)}: ${message}`);
  }
});

test('weights where BFQ schedules the disk', () => {
  const scheduler = '/sys/block/vdc/queue/scheduler';
  writeFileSync(scheduler, 'bfq'); // loads the module
  const blockIO = { weight: 300, weightDevice: [{ ...device, weight: 500 }] };
  return inCgroup(hierarchy, (cgroup) => {
    limitCgroup(cgroup, { blockIO });
    const read = (name: string) => readFileSync(join(cgroup.directory, name), 'utf8');
    assert.is(read('io.bfq.weight'), `default 300\n${disk} 500\n`);
    assert.is(read('io.weight'), 'default 2930\n');
  }).finally(() => writeFileSync(scheduler, 'none'));
});

// Last: once it was on for a disk, iocost takes weights even when it is off again.
test('the weight of a device, where iocost is on; and idle', () => {
  writeFileSync('/sys/fs/cgroup/io.cost.qos', `${disk} enable=1`);
  const weightDevice = [{ ...device, weight: 500 }];
  return inCgroup(hierarchy, (cgroup) => {
    limitCgroup(cgroup, { blockIO: { weightDevice }, cpu: { idle: 1 } });
    assert.match(readFileSync(join(cgroup.directory, 'io.weight'), 'utf8'), `${disk} 4950`);
    assert.is(readFileSync(join(cgroup.directory, 'cpu.idle'), 'utf8'), '1\n');
  }).finally(() => writeFileSync('/sys/fs/cgroup/io.cost.qos', `${disk} enable=0`));
});

test('the cgroup tree is as it was', () => {
  assert.equal(cgroupTree(), before);
});

test.run();
