// init/sequence.ts: which step comes before which, and what is asked of the host when. Nothing is made: stubs are planned.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { prepareCreation } from '../../src/container/create/creation.ts';
import type { Host } from '../../src/container/init/host.ts';
import { createInit } from '../../src/container/init/sequence.ts';
import { plannedLauncher } from '../../src/plan/planned-channel.ts';
import { observeStubs } from '../../src/stub/observer.ts';
import { testLauncher } from '../launcher/driven.ts';
import { type Change, Sandbox } from './harness.ts';
import { plainCaller, plainOptions } from './plain-creation.ts';

const test = suite('sequence');
const box = new Sandbox();
const launcher = plannedLauncher({
  uid: 0,
  gid: 0,
  umask: 0o22,
  setgroupsDenied: false,
  cgroup: undefined,
});

interface Made {
  /** Members of Host that were called, and what operations did, in order. */
  steps: string[];
  /** What the operations of the last program do. */
  last: string[];
}

async function make(change: Change): Promise<Made> {
  box.configure('true', change);
  const steps: string[] = [];
  const called = (name: string) => () => {
    steps.push(name);
    return undefined;
  };
  const caller = { ...plainCaller, launcher, signals: testLauncher().signals };
  const creation = await prepareCreation(caller, {
    ...plainOptions,
    id: 'sequence',
    bundle: box.bundle,
    cgroupManager: 'disabled',
    rootless: 'false',
  });
  const { config, path } = creation.bundle;
  const state = {
    ociVersion: config.ociVersion,
    id: 'sequence',
    status: 'creating',
    pid: 1,
    bundle: path,
  } as const;
  const host: Host = {
    listener: -1,
    cgroup: undefined,
    notifyDirectory: undefined,
    prepareFilter: called('prepareFilter'),
    startScope: called('startScope'),
    ownInit: () => undefined,
    recordInit: called('recordInit'),
    applyIntelRdt: called('applyIntelRdt'),
    beginHooks: () => {
      steps.push('beginHooks');
      return state;
    },
    enterContainer: () => () => {
      throw new Error('there is no hook in the container');
    },
    takeTerminal: called('takeTerminal'),
  };
  const stop = observeStubs({
    decodes: false,
    sending: (_, { operations }) => {
      steps.push(...operations.map(({ doing }) => doing));
    },
    replied: () => {},
  });
  try {
    const { init, program } = createInit(creation, host);
    init.stub.flush();
    return { steps, last: program.operations.map(({ doing }) => doing) };
  } finally {
    stop();
  }
}

/** Each of `expected` comes, and behind the one before it. */
function inOrder(steps: readonly string[], expected: readonly string[]): void {
  let from = 0;
  for (const step of expected) {
    const at = steps.indexOf(step, from);
    assert.ok(at >= 0, `"${step}" does not come behind line ${from} of\n${steps.join('\n')}`);
    from = at + 1;
  }
}

test('from the boot stub to a closed root filesystem', async () => {
  const { steps } = await make((config) => {
    config.hostname = 'ordered';
    config.process.terminal = true;
    config.linux.sysctl = { 'net.ipv4.ip_forward': '1' };
    config.linux.readonlyPaths = ['/proc/sys'];
    config.linux.maskedPaths = ['/proc/meminfo'];
    config.root = { path: 'rootfs', readonly: true };
    config.hooks = { createRuntime: [] };
    config.linux.namespaces?.push({ type: 'user' });
    config.linux.uidMappings = config.linux.gidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }];
  });
  inOrder(steps, [
    'prepareFilter',
    'make the namespaces of the container',
    'startScope',
    'name init',
    'become group 0 of the user namespace',
    'start a session',
    // In a cgroup namespace of its own init sees the cgroup that it was put in, also by systemd, as the root.
    'make namespaces of the container',
    'set hostname ordered',
    // Before anything is mounted: a create that is killed later leaves a process that delete finds.
    'recordInit',
    'applyIntelRdt',
    'set the propagation of all mounts',
    `mount the root filesystem ${box.rootfs}`,
    'mount proc on /proc',
    'link /dev/ptmx to pts/ptmx',
    'beginHooks',
    'set sysctl net.ipv4.ip_forward to "1"',
    'make the terminal the controlling one',
    'takeTerminal',
    'open /dev/null of the host',
    'pivot_root into the root filesystem',
    'unmount the old root',
    'make /proc/sys read-only',
    'mask /proc/meminfo',
    'make the root filesystem read-only',
    // Nothing of the host is open when paths of the container are followed.
    'close descriptors from 6 on',
    'change to the working directory /',
    'look for /bin/sh',
  ]);
});

test('init gives up its rights before it waits for start: privilege first, the user next', async () => {
  const { steps, last } = await make((config) => {
    config.process.user = { uid: 1000, gid: 1000, additionalGids: [7] };
    config.process.noNewPrivileges = true;
    config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 10, hard: 10 }];
    config.process.scheduler = { policy: 'SCHED_BATCH' };
    config.process.ioPriority = { class: 'IOPRIO_CLASS_IDLE', priority: 0 };
    config.linux.personality = { domain: 'LINUX32' };
  });
  inOrder(steps, [
    'look for /bin/sh',
    'set personality LINUX32',
    'set I/O priority IOPRIO_CLASS_IDLE 0',
    'set scheduler SCHED_BATCH',
    'set rlimit RLIMIT_NOFILE to 10 (soft) and 10 (hard)',
    'set no_new_privs',
    'drop CAP_SYS_ADMIN from the bounding set',
    'set groups 7, which the user namespace must have',
    'become group 1000, which the user namespace must have',
    'become user 1000, which the user namespace must have',
    'set capabilities',
    'set umask',
  ]);
  inOrder(last, ['wait for start', 'wait for the go message', 'take the go message']);
  assert.is(last.at(-1), 'execute /bin/sh');
});

test('without process there is nothing to execute', async () => {
  const { last } = await make((config) => {
    Object.assign(config, { process: undefined });
  });
  assert.equal(last.slice(-2), ['take the go message', 'exit']);
});

test('nothing was made', () => {
  assert.equal(box.leftovers(), []);
  box.close();
});

test.run();
