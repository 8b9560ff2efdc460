// linux.resources as writes to cgroup v2 files.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { toIoWeight } from '../../src/cgroups/resources/blkio.ts';
import { sharesToWeight } from '../../src/cgroups/resources/cpu.ts';
import { parseList } from '../../src/cgroups/resources/cpuset.ts';
import { controllerNeeds, planResources } from '../../src/cgroups/resources/resource-plan.ts';
import type { HasFile } from '../../src/cgroups/resources/resource-types.ts';
import type { Resources } from '../../src/config/generated/types.ts';

const test = suite('cgroups: resources');

const everything: HasFile = () => true;
const without =
  (...files: string[]) =>
  (file: string) =>
    !files.includes(file);

function writes(resources: Resources, has = everything): string[] {
  return planResources(resources, has).writes.map(({ file, value }) => `${file}=${value}`);
}

function refuses(resources: Resources, message: RegExp, has = everything): void {
  assert.throws(() => planResources(resources, has), message);
}

test('no resources, no writes and no needs', () => {
  assert.equal(planResources({}, everything), { writes: [], warnings: [] });
  assert.equal(controllerNeeds({ devices: [{ allow: false }], network: {}, memory: {}, cpu: {} }), []);
});

test('memory: limit, reservation, and swap less memory', () => {
  assert.equal(writes({ memory: { limit: 512, reservation: 256, swap: 1024 } }), [
    'memory.swap.max=512',
    'memory.max=512',
    'memory.low=256',
  ]);
  assert.equal(writes({ memory: { limit: 2n ** 62n, swap: 2n ** 62n } }), [
    'memory.swap.max=0',
    `memory.max=${2n ** 62n}`,
  ]);
});

test('memory: -1 is no limit', () => {
  assert.equal(writes({ memory: { limit: -1, reservation: -1, swap: -1 } }), [
    'memory.swap.max=max',
    'memory.max=max',
    'memory.low=max',
  ]);
  assert.equal(writes({ memory: { limit: 512, swap: -1 } }), ['memory.swap.max=max', 'memory.max=512']);
});

test('memory: 0 is not set, except for the reservation', () => {
  assert.equal(writes({ memory: { limit: 0, swap: 0, kernel: 0, kernelTCP: 0, reservation: 0 } }), [
    'memory.low=0',
  ]);
});

test('memory: swap that cannot be converted', () => {
  refuses(
    { memory: { swap: 512 } },
    /linux\.resources\.memory\.swap .* takes a linux\.resources\.memory\.limit/,
  );
  refuses({ memory: { swap: 512, limit: -1 } }, /takes a linux\.resources\.memory\.limit/);
  refuses(
    { memory: { swap: 512, limit: 1024 } },
    /swap 512 .* not be below linux\.resources\.memory\.limit 1024/,
  );
  refuses({ memory: { swap: -2, limit: 1024 } }, /swap is -2/);
  refuses({ memory: { limit: -2 } }, /linux\.resources\.memory\.limit is -2/);
});

test('memory: a kernel that does not account swap', () => {
  const has = without('memory.swap.max');
  assert.equal(writes({ memory: { limit: 512, swap: 512 } }, has), ['memory.max=512']);
  assert.equal(writes({ memory: { limit: 512, swap: -1 } }, has), ['memory.max=512']);
  refuses({ memory: { limit: 512, swap: 1024 } }, /memory\.swap cannot be set: .*swapaccount=1/, has);
});

test('memory: what only cgroup v1 has is refused', () => {
  refuses({ memory: { kernel: 1 } }, /linux\.resources\.memory\.kernel cannot be set/);
  refuses({ memory: { kernelTCP: 1 } }, /linux\.resources\.memory\.kernelTCP cannot be set/);
  refuses({ memory: { swappiness: 0 } }, /linux\.resources\.memory\.swappiness cannot be set/);
  refuses({ memory: { disableOOMKiller: true } }, /linux\.resources\.memory\.disableOOMKiller cannot be set/);
  assert.equal(
    writes({ memory: { kernel: -1, kernelTCP: -1, disableOOMKiller: false, useHierarchy: true } }),
    [],
  );
  assert.match(
    planResources({ memory: { useHierarchy: false } }, everything).warnings[0] ?? '',
    /useHierarchy/,
  );
});

test('memory: checkBeforeUpdate guards the limit by the usage', () => {
  const [write] = planResources({ memory: { limit: 512, checkBeforeUpdate: true } }, everything).writes;
  assert.is(write?.notBelow, 'memory.current');
  const [unlimited] = planResources({ memory: { limit: -1, checkBeforeUpdate: true } }, everything).writes;
  assert.is(unlimited?.notBelow, undefined);
});

test('cpu: shares through the three points where both scales agree, and monotonous between', () => {
  assert.is(sharesToWeight(2n), 1);
  assert.is(sharesToWeight(1024n), 100);
  assert.is(sharesToWeight(262144n), 10000);
  assert.is(sharesToWeight(1n), 1);
  assert.is(sharesToWeight(2n ** 64n - 1n), 10000);
  assert.is(sharesToWeight(512n), 59);
  assert.is(sharesToWeight(2048n), 174);
  for (let shares = 3n; shares < 5000n; shares++)
    assert.ok(sharesToWeight(shares) >= sharesToWeight(shares - 1n), `${shares}`);
});

test('cpu: quota and period', () => {
  assert.equal(writes({ cpu: { quota: 5000, period: 10000 } }), ['cpu.max=5000 10000']);
  assert.equal(writes({ cpu: { quota: 5000 } }), ['cpu.max=5000']);
  assert.equal(writes({ cpu: { quota: -1 } }), ['cpu.max=max']);
  assert.equal(writes({ cpu: { period: 10000 } }), ['cpu.max=max 10000']);
  assert.equal(writes({ cpu: { quota: 0, period: 0, shares: 0 } }), []);
});

test('cpu: the burst is 0 while the quota changes', () => {
  assert.equal(writes({ cpu: { quota: 5000, burst: 1000 } }), [
    'cpu.max.burst=0',
    'cpu.max=5000',
    'cpu.max.burst=1000',
  ]);
  assert.equal(writes({ cpu: { quota: 5000, burst: 0 } }), ['cpu.max.burst=0', 'cpu.max=5000']);
  assert.equal(writes({ cpu: { burst: 1000 } }), ['cpu.max.burst=1000']);
  refuses(
    { cpu: { quota: 5000, burst: 5001 } },
    /cpu\.burst 5001 must not be above linux\.resources\.cpu\.quota 5000/,
  );
});

test('cpu: idle before weight, and without it', () => {
  assert.equal(writes({ cpu: { idle: 0, shares: 1024 } }), ['cpu.idle=0', 'cpu.weight=100']);
  const plan = planResources({ cpu: { idle: 1, shares: 1024 } }, everything);
  assert.equal(
    plan.writes.map(({ file }) => file),
    ['cpu.idle'],
  );
  assert.match(plan.warnings[0] ?? '', /shares has no effect/);
});

test('cpu: realtime is refused', () => {
  refuses({ cpu: { realtimeRuntime: 950000 } }, /linux\.resources\.cpu\.realtimeRuntime cannot be set/);
  refuses({ cpu: { realtimePeriod: 950000 } }, /linux\.resources\.cpu\.realtimePeriod cannot be set/);
  assert.equal(writes({ cpu: { realtimePeriod: 0, realtimeRuntime: 0 } }), []);
});

test('cpu: sets go to the cpuset controller', () => {
  assert.equal(writes({ cpu: { cpus: '0-1', mems: '0' } }), ['cpuset.cpus=0-1', 'cpuset.mems=0']);
  assert.equal(writes({ cpu: { cpus: '', mems: '' } }), []);
  assert.equal(controllerNeeds({ cpu: { cpus: '0' } }), [
    { controller: 'cpuset', file: 'cpuset.cpus', field: 'linux.resources.cpu.cpus' },
  ]);
});

test('lists of numbers', () => {
  assert.equal([...(parseList('0-2,7\n') ?? [])], [0, 1, 2, 7]);
  assert.equal([...(parseList('') ?? [])], []);
  assert.is(parseList('0-31:2/8'), undefined);
});

test('blockIO: weights for BFQ and for iocost', () => {
  assert.is(toIoWeight(10n), 1n);
  assert.is(toIoWeight(1000n), 10000n);
  assert.is(toIoWeight(100n), 910n);
  assert.equal(writes({ blockIO: { weight: 100 } }), ['io.bfq.weight=100', 'io.weight=910']);
  assert.equal(writes({ blockIO: { weight: 100 } }, without('io.bfq.weight')), ['io.weight=910']);
  refuses({ blockIO: { weight: 100 } }, /weight cannot be set: .*bfq/, without('io.bfq.weight', 'io.weight'));
  refuses({ blockIO: { weight: 9 } }, /weight is 9: a weight must be from 10 to 1000/);
  assert.equal(writes({ blockIO: { weight: 0, leafWeight: 0 } }), []);
});

test('blockIO: weights of devices', () => {
  const device = { major: 8, minor: 16, weight: 1000 };
  const [write] = planResources({ blockIO: { weightDevice: [device] } }, everything).writes;
  assert.is(write?.file, 'io.bfq.weight');
  assert.is(write?.value, '8:16 1000');
  assert.equal(write?.otherwise, { file: 'io.weight', value: '8:16 10000' });
  assert.equal(writes({ blockIO: { weightDevice: [device] } }, without('io.bfq.weight')), [
    'io.weight=8:16 10000',
  ]);
  refuses({ blockIO: { weightDevice: [{ major: 8, minor: 0 }] } }, /weightDevice\[0\] must have a weight/);
});

test('blockIO: leafWeight is refused', () => {
  refuses({ blockIO: { leafWeight: 10 } }, /linux\.resources\.blockIO\.leafWeight cannot be set/);
  refuses(
    { blockIO: { weightDevice: [{ major: 8, minor: 0, leafWeight: 5 }] } },
    /weightDevice\[0\]\.leafWeight/,
  );
});

test('blockIO: throttles, 0 lifts one', () => {
  const device = { major: 8, minor: 0 };
  assert.equal(
    writes({
      blockIO: {
        throttleReadBpsDevice: [{ ...device, rate: 600 }],
        throttleWriteBpsDevice: [{ ...device, rate: 2n ** 63n }],
        throttleReadIOPSDevice: [{ ...device, rate: 0 }],
        throttleWriteIOPSDevice: [{ major: 8, minor: 16, rate: 300 }],
      },
    }),
    [
      'io.max=8:0 rbps=600',
      'io.max=8:0 wbps=9223372036854775808',
      'io.max=8:0 riops=max',
      'io.max=8:16 wiops=300',
    ],
  );
});

test('hugepageLimits: usage and, where the kernel has it, reservations; 0 is a limit', () => {
  const hugepageLimits = [{ pageSize: '2MB', limit: 0 }];
  assert.equal(writes({ hugepageLimits }), ['hugetlb.2MB.max=0', 'hugetlb.2MB.rsvd.max=0']);
  assert.equal(writes({ hugepageLimits }, without('hugetlb.2MB.rsvd.max')), ['hugetlb.2MB.max=0']);
  refuses({ hugepageLimits }, /no huge pages of 2MB/, without('hugetlb.2MB.max'));
  refuses({ hugepageLimits: [{ pageSize: '../x', limit: 1 }] }, /pageSize "\.\.\/x" must be a size/);
});

test('pids: neither 0, which engines write, nor -1 is a limit', () => {
  assert.equal(writes({ pids: { limit: 0 } }), ['pids.max=max']);
  assert.equal(writes({ pids: { limit: -1 } }), ['pids.max=max']);
  assert.equal(writes({ pids: { limit: 32771 } }), ['pids.max=32771']);
  refuses({ pids: { limit: -2 } }, /linux\.resources\.pids\.limit is -2/);
});

test('rdma', () => {
  assert.equal(writes({ rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 10000 }, rxe3: { hcaObjects: 0 } } }), [
    'rdma.max=mlx5_1 hca_handle=3 hca_object=10000',
    'rdma.max=rxe3 hca_object=0',
  ]);
  refuses({ rdma: { mlx5_1: {} } }, /rdma\["mlx5_1"\] must have hcaHandles, hcaObjects or both/);
});

test('network is refused unless it asks for nothing', () => {
  refuses({ network: { classID: 1048577 } }, /linux\.resources\.network\.classID cannot be set/);
  refuses(
    { network: { priorities: [{ name: 'eth0', priority: 1 }] } },
    /linux\.resources\.network\.priorities/,
  );
  assert.equal(writes({ network: { classID: 0, priorities: [] } }), []);
});

test('unified: any file, last, with the need for its controller', () => {
  const resources: Resources = { unified: { 'memory.high': '1', 'misc.max': 'x 1' }, pids: { limit: 1 } };
  assert.equal(writes(resources), ['pids.max=1', 'memory.high=1', 'misc.max=x 1']);
  assert.equal(controllerNeeds(resources)[1], {
    controller: 'memory',
    file: 'memory.high',
    field: 'linux.resources.unified["memory.high"]',
  });
  assert.equal(controllerNeeds({ unified: { 'cgroup.max.depth': '3' } }), []);
});

test('unified: what is no file name is refused', () => {
  for (const file of ['/memory.max', '../memory.max', 'a.b/../c', 'memory', '', '..', '.x'])
    refuses({ unified: { [file]: '1' } }, /is not the name of a cgroup file/);
});

test.run();
