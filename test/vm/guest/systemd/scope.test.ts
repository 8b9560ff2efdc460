// The systemd cgroup manager where systemd is process 1.

import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { command, makeBundle } from '../../../cgroups/guest.ts';
import { run } from '../smoke.ts';

const MIB = 1 << 20;
const ID = 'scoped';
const SCOPE = 'unit-scoped.scope';
const DIRECTORY = `/sys/fs/cgroup/system.slice/${SCOPE}`;
const CGROUPS_PATH = 'system.slice:unit:scoped';
const INFINITY = 'infinity';

function tsoci(...args: string[]): string {
  const { status, output } = command('tsoci', ['--systemd-cgroup', ...args]);
  assert.is(status, 0, `${args.join(' ')}: ${output}`);
  return output;
}

const file = (name: string) => readFileSync(join(DIRECTORY, name), 'utf8').trim();
const property = (name: string) => run('systemctl', 'show', '--value', '--property', name, SCOPE);

function withScope(linux: object, body: () => void, annotations: Record<string, string> = {}): void {
  const bundle = makeBundle({
    script: 'exec sleep 1000',
    linux: { cgroupsPath: CGROUPS_PATH, ...linux },
    annotations,
  });
  try {
    tsoci('run', '--detach', '--bundle', bundle, ID);
    body();
  } finally {
    command('tsoci', ['delete', '--force', ID]);
    rmSync(bundle, { recursive: true });
  }
}

const resources = {
  memory: { limit: 64 * MIB, reservation: 32 * MIB, swap: 80 * MIB },
  cpu: { shares: 2048, quota: 25_500, period: 50_000, cpus: '0', mems: '0' },
  pids: { limit: 40 },
  hugepageLimits: [{ pageSize: '2MB', limit: 2 * MIB }],
  unified: { 'memory.high': String(48 * MIB) },
};

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

test('a limit of one process and of 1 MiB still starts', () => {
  withScope({ resources: { pids: { limit: 1 }, memory: { limit: MIB } } }, () => {
    assert.is(file('pids.max'), '1');
    assert.is(file('cgroup.procs').split('\n').length, 1);
  });
});

test('nothing is left of a container, ended or killed', () => {
  withScope({ resources }, () => {});
  withScope({ resources }, () => tsoci('kill', ID, 'KILL'));
  assert.not(existsSync(DIRECTORY));
  assert.is(property('LoadState'), 'not-found');
  assert.equal(
    readdirSync('/sys/fs/cgroup').filter((name) => name === 'tsoci'),
    [],
  );
});

test('a slice that does not exist is made, and a default name given', () => {
  const bundle = makeBundle({ script: 'cat /proc/self/cgroup', linux: { cgroupsPath: 'a-b.slice::n+1' } });
  assert.match(tsoci('run', '--bundle', bundle, ID), '0::/a.slice/a-b.slice/n\\x2b1.scope');
  rmSync(bundle, { recursive: true });
  const plain = makeBundle({ script: 'cat /proc/self/cgroup' });
  assert.match(tsoci('run', '--bundle', plain, ID), '0::/system.slice/tsoci-scoped.scope');
  rmSync(plain, { recursive: true });
});

test('a unit that exists is left alone', () => {
  withScope({}, () => {
    const bundle = makeBundle({ script: 'true', linux: { cgroupsPath: CGROUPS_PATH } });
    const { status, output } = command('tsoci', ['--systemd-cgroup', 'run', '--bundle', bundle, 'second']);
    assert.match(output, `start unit ${SCOPE}`);
    assert.is(status, 1);
    assert.is(property('ActiveState'), 'active');
    rmSync(bundle, { recursive: true });
  });
});

test('properties that systemd does not know are an error that names it', () => {
  const bundle = makeBundle({
    script: 'true',
    linux: { cgroupsPath: CGROUPS_PATH },
    annotations: { 'org.systemd.property.NoSuchThing': '1' },
  });
  const { output } = command('tsoci', ['--systemd-cgroup', 'run', '--bundle', bundle, ID]);
  assert.match(output, /start unit unit-scoped\.scope.*NoSuchThing/);
  rmSync(bundle, { recursive: true });
});

test('through the bus daemon', () => {
  run('mount', '--bind', '/dev/null', '/run/systemd/private');
  try {
    withScope({ resources }, () => assert.is(property('MemoryMax'), String(64 * MIB)));
    assert.not(existsSync(DIRECTORY));
  } finally {
    run('umount', '/run/systemd/private');
  }
});

test.run();
