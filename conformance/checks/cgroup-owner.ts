// config-linux.md#cgroup-ownership, where cgroup v2 is the only cgroup filesystem.

import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupDirectory, unifiedHierarchy } from '../harness/cgroup.ts';
import type { Check } from '../harness/check.ts';
import { type Config, setNamespace, useUserNamespace } from '../harness/config.ts';
import type { Bundle } from '../harness/container.ts';
import { expect, expectEqual } from '../harness/expect.ts';
import { type Edit, type Trial, WAIT } from '../harness/trial.ts';
import { unifiedView } from '../harness/unified.ts';

const section = 'config-linux.md#cgroup-ownership';
const HOST_ID = 100_000;

/** A container whose root is another user on the host, which may write its cgroup. */
function delegated(config: Config, { rootfs }: Bundle, ...options: string[]): void {
  mkdirSync(join(rootfs, 'sys/fs/cgroup'), { recursive: true });
  useUserNamespace(config, HOST_ID);
  setNamespace(config, 'cgroup');
  const mount = { type: 'cgroup', source: 'cgroup', options: ['nosuid', 'noexec', 'nodev', ...options] };
  config.mounts.push({ destination: '/sys/fs/cgroup', ...mount });
}

/** The names in a container's cgroup that belong to its root; '.' is the cgroup. */
async function ownedBy(trial: Trial, edit: Edit, prepare?: string): Promise<string[]> {
  const { prefix } = await unifiedView(trial, prepare);
  const container = await trial.created(WAIT, edit, { prefix });
  const directory = cgroupDirectory(container.pid, unifiedHierarchy());
  return ['.', ...readdirSync(directory)]
    .filter((name) => statSync(join(directory, name)).uid === HOST_ID)
    .sort();
}

const FALLBACK = ['.', 'cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads'];
/** A runtime that never changes the owner: it sees no cgroup namespace. */
const KEEPS_OWNER = {
  runs: 'chown -R 0 /sys/fs/cgroup/$ID /sys/fs/cgroup/unified/$ID',
  after: 'create',
} as const;
const CHANGES_OWNER = {
  runs: `chown ${HOST_ID} /sys/fs/cgroup/$ID /sys/fs/cgroup/unified/$ID`,
  after: 'create',
} as const;

export const checks: Check[] = [
  {
    id: 'cgroup-owner',
    section,
    level: 'SHOULD',
    requirement:
      'With a cgroup namespace and a writable cgroup mount, the cgroup belongs to the user of the process: ' +
      'it and the files of /sys/kernel/cgroup/delegate that it has.',
    musts: [1],
    broken: KEEPS_OWNER,
    async run(trial) {
      const listed = readFileSync('/sys/kernel/cgroup/delegate', 'utf8').trim().split('\n');
      const owned = await ownedBy(trial, delegated);
      for (const name of FALLBACK)
        expect(owned.includes(name), `${name} does not belong to the user: ${owned}`);
      const extra = owned.filter((name) => name !== '.' && !listed.includes(name));
      expectEqual(extra, [], 'the list of other files that belong to the user');
    },
  },
  {
    id: 'cgroup-owner-fallback',
    section,
    level: 'MUST',
    requirement:
      'Without /sys/kernel/cgroup/delegate, the files of the list in the specification change owner.',
    musts: [2],
    broken: KEEPS_OWNER,
    async run(trial) {
      const owned = await ownedBy(
        trial,
        (config, bundle) => delegated(config, bundle),
        'mount -t tmpfs none /sys/kernel/cgroup',
      );
      expectEqual(owned, FALLBACK, 'the list of files that belong to the user');
    },
  },
  {
    id: 'cgroup-owner-readonly',
    section,
    level: 'SHOULD',
    requirement: 'With a read-only cgroup mount the owner is not changed.',
    broken: CHANGES_OWNER,
    async run(trial) {
      const owned = await ownedBy(trial, (config, bundle) => delegated(config, bundle, 'ro'));
      expectEqual(owned, [], 'the list of files that belong to the user');
    },
  },
  {
    id: 'cgroup-owner-no-mount',
    section,
    level: 'SHOULD',
    requirement: 'Without a cgroup mount the owner is not changed.',
    broken: CHANGES_OWNER,
    async run(trial) {
      const owned = await ownedBy(trial, (config) => {
        useUserNamespace(config, HOST_ID);
        setNamespace(config, 'cgroup');
      });
      expectEqual(owned, [], 'the list of files that belong to the user');
    },
  },
  {
    id: 'cgroup-owner-no-namespace',
    section,
    level: 'SHOULD',
    requirement: 'Without a new cgroup namespace the owner is not changed.',
    broken: CHANGES_OWNER,
    async run(trial) {
      const owned = await ownedBy(trial, (config, bundle) => {
        delegated(config, bundle);
        setNamespace(config, 'cgroup', null);
      });
      expectEqual(owned, [], 'the list of files that belong to the user');
    },
  },
];
