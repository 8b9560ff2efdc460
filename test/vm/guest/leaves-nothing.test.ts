// The cgroup tree after containers with limits of every controller is what it was before them.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createContainer } from '../../../src/container/create/create.ts';
import type { Caller } from '../../../src/launcher/caller.ts';
import { cgroupTree, command } from '../../cgroups/guest.ts';
import { eventually, Sandbox } from '../../container/harness.ts';
import { killCreates, summary } from '../../container/killed-create.ts';
import { plainCaller, plainOptions } from '../../container/plain-creation.ts';
import { testLauncher } from '../../launcher/driven.ts';

const MIB = 1 << 20;
const CGROUPS = '/sys/fs/cgroup';
const MANY = 200;

const disk = readFileSync('/sys/block/vdc/dev', 'utf8').trim();
const [major = 0, minor = 0] = disk.split(':').map(Number);

/** A limit of every controller that the guest has a device for. */
const resources = {
  memory: { limit: 64 * MIB, reservation: 32 * MIB, swap: 96 * MIB },
  cpu: { shares: 2048, quota: 50_000, period: 100_000, cpus: '1', mems: '0' },
  pids: { limit: 8 },
  blockIO: { weight: 100, throttleReadBpsDevice: [{ major, minor, rate: MIB }] },
  hugepageLimits: [{ pageSize: '2MB' as const, limit: 4 * MIB }],
  unified: { 'cgroup.max.descendants': '9' },
  devices: [{ allow: false }],
};

const box = new Sandbox();
const before = cgroupTree();

function configure(): void {
  box.configure('sleep 1000', ({ linux }) => {
    linux.resources = resources;
  });
}

test(`${MANY} containers at once`, async () => {
  configure();
  const launcher = testLauncher();
  const caller: Caller = {
    ...plainCaller,
    env: process.env,
    cwd: box.bundle,
    pid: launcher.pid,
    status: launcher.status,
    launcher,
    signals: launcher.signals,
    warn: (message) => assert.unreachable(message),
  };
  const options = { ...plainOptions, root: box.root, bundle: box.bundle, rootless: 'false' } as const;
  // In this process: here the executable takes two seconds to start.
  for (let i = 0; i < MANY; i++) await createContainer(caller, { ...options, id: `many-${i}` });
  const made = cgroupTree().length - before.length;
  assert.is(made, MANY + 1, 'a cgroup for each, and /tsoci');
  assert.is(readFileSync(join(CGROUPS, 'tsoci', `many-${MANY - 1}`, 'memory.max'), 'utf8'), `${64 * MIB}\n`);
  const args = ['--root', box.root, 'delete', '--force', '--regex', 'many-.*'];
  const { status, output } = command('tsoci', args);
  assert.is(status, 0, output);
  assert.equal(cgroupTree(), before);
});

test('`create` killed at any point, and `delete --force`', () => {
  const found = killCreates({
    box,
    cgroupOf: (id) => join(CGROUPS, 'tsoci', id),
    tries: 30,
    configure,
    check: () => {
      assert.equal(cgroupTree(), before);
      eventually('nothing else is left', () => box.leftovers().length === 0);
    },
  });
  console.log(`# ${summary(found)}`);
  assert.ok((found.get('cgroup') ?? 0) > 0, 'some were killed between making the cgroup and the end');
});

test.after(() => box.close());

test.run();
