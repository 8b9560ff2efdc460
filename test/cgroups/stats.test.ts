// Statistics: from the text of the kernel's files, and of a cgroup on this host; and the watch for its events.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { killCgroup } from '../../src/cgroups/cgroup-processes.ts';
import { parsePressure } from '../../src/cgroups/stats/pressure.ts';
import { readStats, statsEvent } from '../../src/cgroups/stats/stats.ts';
import { watchCgroup } from '../../src/cgroups/watch.ts';
import { eventually } from '../container/harness.ts';
import { busy, inCgroup, sleeper, writableHierarchy } from './support.ts';

const test = suite('cgroups: stats');

const PSI =
  'some avg10=1.50 avg60=0.25 avg300=0.00 total=123\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n';
const FILES = {
  'cpu.stat': 'usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 4\nnr_throttled 2\nthrottled_usec 9\n',
  'cpu.pressure': PSI,
  'cpuset.cpus.effective': '0-1\n',
  'cpuset.mems.effective': '0\n',
  'memory.stat': 'anon 1\nfile 4096\nkernel 8192\nsock 3\n',
  'memory.current': '1000\n',
  'memory.peak': '1500\n',
  'memory.max': '2000\n',
  'memory.events': 'low 0\nhigh 0\nmax 6\noom 1\noom_kill 1\n',
  'memory.swap.current': '10\n',
  'memory.swap.max': '50\n',
  'memory.swap.events': 'high 0\nmax 2\nfail 0\n',
  'pids.current': '3\n',
  'pids.max': '10\n',
  'io.stat': '8:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n7:0 \n',
  'hugetlb.2MB.current': '0\n',
  'hugetlb.2MB.rsvd.current': '2097152\n',
  'hugetlb.2MB.events': 'max 5\n',
  'rdma.current': 'mlx4_0 hca_handle=2 hca_object=2000\n',
  'rdma.max': 'mlx4_0 hca_handle=2 hca_object=max\n',
};

function statsOf(files: Record<string, string>): unknown {
  const directory = mkdtempSync(join(tmpdir(), 'tsoci-test-'));
  try {
    for (const [file, text] of Object.entries(files)) writeFileSync(join(directory, file), text);
    return JSON.parse(JSON.stringify(readStats(directory)));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('every controller', () => {
  const psi = parsePressure(PSI);
  const unlimited = 2 ** 64;
  assert.equal(statsOf(FILES), {
    cpu: {
      usage: { total: 30_000, kernel: 10_000, user: 20_000 },
      throttling: { periods: 4, throttledPeriods: 2, throttledTime: 9_000 },
      psi,
    },
    cpuset: { cpus: [0, 1], mems: [0] },
    memory: {
      cache: 4096,
      usage: { limit: 2000, usage: 1000, max: 1500, failcnt: 6 },
      swap: { limit: 2050, usage: 1010, failcnt: 2 },
      kernel: { limit: unlimited, usage: 8192, failcnt: 0 },
      kernelTCP: { limit: unlimited, usage: 3, failcnt: 0 },
      raw: { anon: 1, file: 4096, kernel: 8192, sock: 3 },
    },
    pids: { current: 3, limit: 10 },
    blkio: {
      ioServiceBytesRecursive: [
        { major: 8, minor: 16, op: 'Read', value: 1 },
        { major: 8, minor: 16, op: 'Write', value: 2 },
        { major: 8, minor: 16, op: 'Discard', value: 5 },
      ],
      ioServicedRecursive: [
        { major: 8, minor: 16, op: 'Read', value: 3 },
        { major: 8, minor: 16, op: 'Write', value: 4 },
        { major: 8, minor: 16, op: 'Discard', value: 6 },
      ],
    },
    hugetlb: { '2MB': { usage: 2097152, failcnt: 5 } },
    rdma: {
      current: [{ device: 'mlx4_0', hca_handles: 2, hca_objects: 2000 }],
      limit: [{ device: 'mlx4_0', hca_handles: 2, hca_objects: unlimited }],
    },
    intel_rdt: {},
    network_interfaces: null,
  });
});

test('no controller', () => {
  assert.equal(statsOf({}), {
    cpu: { usage: { total: 0, kernel: 0, user: 0 }, throttling: {} },
    cpuset: {},
    memory: {},
    pids: { current: 0 },
    blkio: {},
    hugetlb: {},
    intel_rdt: {},
    network_interfaces: null,
  });
});

test('64-bit numbers are written in full', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tsoci-test-'));
  for (const [file, text] of Object.entries({ ...FILES, 'memory.max': 'max\n' }))
    writeFileSync(join(directory, file), text);
  const json = JSON.stringify(statsEvent('c', directory));
  rmSync(directory, { recursive: true });
  assert.ok(json.startsWith('{"type":"stats","id":"c","data":{"cpu":'));
  assert.match(json, '"usage":{"limit":18446744073709551615,"usage":1000');
});

test('pressure', () => {
  assert.equal(parsePressure(PSI), {
    some: { avg10: 1.5, avg60: 0.25, avg300: 0, total: 123 },
    full: { avg10: 0, avg60: 0, avg300: 0, total: 7 },
  });
});

const hierarchy = writableHierarchy();
if (hierarchy) {
  test('of a cgroup on this host', () =>
    inCgroup(hierarchy, ({ directory }) => {
      busy(directory);
      const before = readStats(directory).cpu.usage;
      eventually('it has used a processor', () => readStats(directory).cpu.usage.total > before.total);
      const stats = readStats(directory);
      assert.is(stats.pids.current, 1);
      const { total, user, kernel } = stats.cpu.usage;
      assert.is(Number(user) + Number(kernel), Number(total));
    }));

  test('the end of the last process is reported', () =>
    inCgroup(hierarchy, async ({ directory }) => {
      sleeper(directory);
      await new Promise<void>((resolve, reject) => {
        const timeout = setTimeout(() => reject(new Error('not reported within 5 s')), 5000);
        watchCgroup(directory, {
          onEmpty: () => {
            clearTimeout(timeout);
            resolve();
          },
        });
        setTimeout(() => killCgroup(directory), 50);
      });
    }));

  test('an empty cgroup is reported at once', () =>
    inCgroup(
      hierarchy,
      ({ directory }) => new Promise<void>((resolve) => void watchCgroup(directory, { onEmpty: resolve })),
    ));
}

test.run();
