// The systemd cgroup manager where systemd is process 1: limits, properties, commands.

import { readFileSync, rmSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { command, makeBundle } from '../../../cgroups/guest.ts';
import { run } from '../smoke.ts';
import { CGROUPS_PATH, file, ID, MIB, property, resources, SCOPE, tsoci, withScope } from './scope.ts';

const INFINITY = 'infinity';

test('a container is a scope whose limits systemd knows, and keeps over a reload', () => {
  const annotations = {
    'org.systemd.property.TimeoutStopSec': '7',
    'org.systemd.property.TasksMax': 'uint64 41',
  };
  withScope(
    { resources },
    () => {
      const check = () => {
        assert.is(file('memory.max'), String(64 * MIB));
        assert.is(file('memory.low'), String(32 * MIB));
        assert.is(file('memory.high'), String(48 * MIB));
        assert.is(file('memory.swap.max'), String(16 * MIB));
        assert.is(file('cpu.max'), '25500 50000');
        assert.is(file('cpuset.cpus'), '0');
        assert.is(file('hugetlb.2MB.max'), String(2 * MIB));
      };
      check();
      assert.is(file('pids.max'), '40');
      assert.is(property('TasksMax'), '41');
      assert.is(property('MemoryMax'), String(64 * MIB));
      assert.is(property('Delegate'), 'yes');
      assert.is(property('Slice'), 'system.slice');
      assert.is(property('TimeoutStopUSec'), '7s');
      assert.is(property('CPUQuotaPerSecUSec'), '510ms');
      run('systemctl', 'daemon-reload');
      // Has systemd write all it knows of memory and pids.
      run('systemctl', 'set-property', '--runtime', SCOPE, 'MemoryMin=1M', 'TasksMax=40');
      check();
    },
    annotations,
  );
});

test('update changes cgroup and properties; pause, resume and exec work in the scope', () => {
  withScope({ resources }, () => {
    tsoci('update', '--memory', '72m', '--cpu-quota', '20000', '--pids-limit', '-1', ID);
    assert.is(file('memory.max'), String(72 * MIB));
    assert.is(file('memory.swap.max'), String(8 * MIB));
    assert.is(file('cpu.max'), '20000 50000');
    assert.is(property('MemoryMax'), String(72 * MIB));
    assert.is(property('MemorySwapMax'), String(8 * MIB));
    assert.is(property('TasksMax'), INFINITY);
    assert.is(property('CPUQuotaPerSecUSec'), '400ms');
    tsoci('pause', ID);
    assert.match(file('cgroup.events'), 'frozen 1');
    tsoci('resume', ID);
    assert.match(tsoci('exec', ID, 'cat', '/proc/self/cgroup'), `/system.slice/${SCOPE}`);
    assert.match(tsoci('events', '--stats', ID), '"limit":');
  });
});

test('device rules hold, in a cgroup namespace of its own', () => {
  const bundle = makeBundle({
    script: 'cat /proc/self/cgroup; mknod /kmsg c 1 11; cat /kmsg',
    linux: {
      cgroupsPath: CGROUPS_PATH,
      namespaces: ['pid', 'mount', 'cgroup'].map((type) => ({ type })),
      resources: { devices: [{ allow: false, access: 'rwm' }] },
    },
  });
  const { status, output } = command('tsoci', ['--systemd-cgroup', 'run', '--bundle', bundle, ID]);
  assert.is(status, 1);
  assert.match(output, /^0::\/$/m);
  assert.match(output, 'Operation not permitted');
  rmSync(bundle, { recursive: true });
});

test('a user namespace without a cgroup namespace sees its own part of the hierarchy', () => {
  const ids = [{ containerID: 0, hostID: 100000, size: 65536 }];
  const bundle = makeBundle({
    script: 'cat /proc/self/mountinfo; echo processes; cat /sys/fs/cgroup/cgroup.procs',
    mounts: [{ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro'] }],
    linux: {
      cgroupsPath: CGROUPS_PATH,
      namespaces: ['pid', 'mount', 'user'].map((type) => ({ type })),
      uidMappings: ids,
      gidMappings: ids,
    },
  });
  const { status, output } = command('tsoci', ['--systemd-cgroup', 'run', '--bundle', bundle, ID]);
  assert.is(status, 0, output);
  assert.match(output, ` /system.slice/${SCOPE} /sys/fs/cgroup ro`);
  assert.match(output, /processes\n1\n/);
  rmSync(bundle, { recursive: true });
});

test('exec into a scope with a cgroup namespace, which nsdelegate guards', () => {
  const namespaces = ['pid', 'mount', 'cgroup'].map((type) => ({ type }));
  withScope({ namespaces }, () => {
    assert.match(readFileSync('/proc/self/mountinfo', 'utf8'), /cgroup2 \S+ \S*nsdelegate/);
    assert.is(tsoci('exec', ID, 'cat', '/proc/self/cgroup'), '0::/\n');
    tsoci('exec', '--detach', ID, 'sleep', '1001');
    assert.is(file('cgroup.procs').split('\n').length, 2);
  });
});

test('a limit of one process and of 1 MiB still starts', () => {
  withScope({ resources: { pids: { limit: 1 }, memory: { limit: MIB } } }, () => {
    assert.is(file('pids.max'), '1');
    assert.is(file('cgroup.procs').split('\n').length, 1);
  });
});

test.run();
