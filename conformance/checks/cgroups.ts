// config-linux.md#control-groups and #cgroups-path: which cgroup the container process is in.

import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupDirectory, type Hierarchy, hierarchies, hierarchyOf } from '../harness/cgroup.ts';
import type { Check } from '../harness/check.ts';
import { setNamespace, useUserNamespace } from '../harness/config.ts';
import { expect, expectEqual, expectMatch, expectSuccess, Skip } from '../harness/expect.ts';
import { removeAt } from '../harness/json.ts';
import { isAlive } from '../harness/proc.ts';
import { type Edit, type Trial, WAIT } from '../harness/trial.ts';

const path = 'config-linux.md#cgroups-path';

/** Where the processes of one container after another, of the same configuration, are: /proc/PID/cgroup. */
async function placesOf(trial: Trial, edit: Edit): Promise<[string, string]> {
  const bundle = trial.bundle(WAIT, edit);
  const places: string[] = [];
  for (const id of [bundle.id, `${bundle.id}-second`]) {
    const container = trial.container(bundle, {}, id);
    expectSuccess(await container.create());
    places.push(readFileSync(`/proc/${container.pid}/cgroup`, 'utf8'));
    expectSuccess(await container.delete('--force'));
  }
  return [places[0] ?? '', places[1] ?? ''];
}

/**
 * The hierarchies in which a process is apart from the runtime. A runtime need only use those whose controllers the
 * configuration needs.
 */
function ownHierarchies(pid: number): Hierarchy[] {
  return hierarchies().filter((each) => cgroupDirectory(pid, each) !== cgroupDirectory('self', each));
}

export const checks: Check[] = [
  ...(
    [
      ['absolute', (id: string) => `/${id}`],
      ['nested', (id: string) => `/${id}/middle/leaf`],
    ] as const
  ).map(
    ([name, pathOf]): Check => ({
      id: `cgroups-path-${name}`,
      section: path,
      level: 'MUST',
      requirement: `An absolute cgroupsPath, here ${name === 'nested' ? 'of several parts' : 'of one part'}, begins at the cgroup mount point; what is missing is made.`,
      musts: [1, 2],
      broken: { reads: '/linux/cgroupsPath', as: '/tsoci-conformance-broken' },
      async run(trial) {
        const container = await trial.created(WAIT, (config, { id }) => {
          config.linux.cgroupsPath = pathOf(id);
        });
        const used = ownHierarchies(container.pid);
        expect(used.length > 0, 'the process is in the cgroups of the runtime');
        for (const hierarchy of used) {
          const wanted = join(hierarchy.mountPoint, pathOf(container.id));
          expectEqual(cgroupDirectory(container.pid, hierarchy), wanted, 'the cgroup of the process');
        }
      },
    }),
  ),
  {
    id: 'cgroups-path-consistent',
    section: path,
    level: 'MUST',
    requirement: 'One absolute cgroupsPath is always the same place.',
    musts: [3],
    broken: { runs: `sed -i 's,"cgroupsPath": "[^"]*,&/elsewhere,' $BUNDLE/config.json`, after: 'create' },
    async run(trial) {
      const [first, second] = await placesOf(trial, () => {});
      expectEqual(second, first, 'the place of the second container');
    },
  },
  {
    id: 'cgroups-path-relative-consistent',
    section: path,
    level: 'MUST',
    requirement: 'One relative cgroupsPath is always the same place.',
    musts: [1, 3],
    broken: { runs: `sed -i 's,"cgroupsPath": "[^"]*,&/elsewhere,' $BUNDLE/config.json`, after: 'create' },
    async run(trial) {
      const [first, second] = await placesOf(trial, (config, { id }) => {
        config.linux.cgroupsPath = `${id}/relative`;
      });
      expectEqual(second, first, 'the place of the second container');
      expectMatch(first, /\/relative$/m, 'the place');
    },
  },
  {
    id: 'cgroups-path-outside',
    section: path,
    level: 'MUST',
    requirement: 'A cgroupsPath that leads above the cgroup mount point is an error, or does not lead there.',
    musts: [4],
    broken: { runs: 'mkdir -p $OUTSIDE', after: 'create' },
    async run(trial) {
      const outside = trial.path('outside');
      const up = '/..'.repeat(10);
      const bundle = trial.bundle(WAIT, (config, { id }) => {
        config.linux.cgroupsPath = `${up}${outside}/${id}`;
      });
      const container = trial.container(bundle, { env: { OUTSIDE: outside } });
      const { code } = await container.create();
      expect(!existsSync(outside), 'a directory was made outside of the cgroup filesystem');
      if (code === 0) expectSuccess(await container.delete('--force'));
    },
  },
  {
    id: 'cgroups-path-unset',
    section: path,
    level: 'MAY',
    requirement: 'Without cgroupsPath the container has a cgroup of its own all the same.',
    broken: { reads: '/linux/cgroupsPath', as: '/' },
    async run(trial) {
      const container = await trial.created(WAIT, (config) => removeAt(config, '/linux/cgroupsPath'));
      const [hierarchy] = ownHierarchies(container.pid);
      expect(hierarchy !== undefined, 'the process is in the cgroups of the runtime');
      const own = cgroupDirectory(container.pid, hierarchy);
      expect(own !== hierarchy.mountPoint, 'the process is in the root cgroup');
      expectSuccess(await container.delete('--force'));
      expect(!existsSync(own), 'the cgroup is still there after delete');
    },
  },
  {
    id: 'cgroups-existing-keeps-limits',
    section: path,
    level: 'MUST',
    requirement: 'Without resources, the limits of a cgroup that exists already stay.',
    broken: { reads: '/linux/resources', as: { pids: { limit: 500 } } },
    async run(trial) {
      const hierarchy = hierarchyOf('pids');
      const bundle = trial.bundle(WAIT);
      const cgroup = trial.makeCgroup(hierarchy.mountPoint, bundle.id);
      writeFileSync(join(cgroup, 'pids.max'), '77');
      const container = trial.container(bundle);
      expectSuccess(await container.create());
      expectEqual(readFileSync(join(cgroup, 'pids.max'), 'utf8').trim(), '77', 'pids.max');
    },
  },
  {
    id: 'cgroups-frozen',
    section: 'config-linux.md#control-groups',
    level: 'MAY',
    requirement: 'A cgroup that is frozen, and so of no use, is an error of create; or it is not used.',
    musts: [1],
    broken: { all: [{ forgives: 'create' }, { skips: 'start' }] },
    async run(trial) {
      const { version, mountPoint } = trial.host.pureV2
        ? (hierarchies()[0] ?? hierarchyOf(''))
        : hierarchyOf('freezer');
      const [name, frozen, thawed] =
        version === 1 ? ['freezer.state', 'FROZEN', 'THAWED'] : ['cgroup.freeze', '1', '0'];
      const bundle = trial.bundle('echo ran');
      const file = join(trial.makeCgroup(mountPoint, bundle.id), name);
      writeFileSync(file, frozen);
      const container = trial.container(bundle);
      try {
        if ((await container.create()).code !== 0) {
          expect(!(await container.exists()), 'there is a container although create failed');
          return;
        }
        expectSuccess(await container.start());
        await container.printed('ran');
      } finally {
        // Nothing in a frozen cgroup can be killed.
        if (existsSync(file)) writeFileSync(file, thawed);
      }
    },
  },
  {
    id: 'cgroups-kill-leaves-others',
    section: 'config-linux.md#control-groups',
    level: 'MUST',
    requirement: 'Deleting a container by force ends no process outside of its cgroup and namespaces.',
    broken: { runs: 'kill -9 $OTHER', after: 'delete' },
    async run(trial) {
      const other = await trial.running();
      const container = await trial.running('', undefined, { env: { OTHER: String(other.pid) } });
      expectSuccess(await container.delete('--force'));
      expect(isAlive(other.pid), 'the process of another container is dead');
    },
  },
  {
    id: 'cgroups-v1-owner',
    section: 'config-linux.md#cgroup-ownership',
    level: 'SHOULD',
    requirement: 'With cgroup v1 the owner of the cgroup is not changed: delegation is not secure there.',
    unless: ({ pureV2 }) => (pureV2 ? 'this host has no cgroup v1' : undefined),
    broken: { runs: 'chown 100000 /sys/fs/cgroup/*/$ID', after: 'create' },
    async run(trial) {
      const container = await trial.created(WAIT, (config) => {
        useUserNamespace(config, 100_000);
        setNamespace(config, 'cgroup');
        config.mounts.push(
          { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev'] },
          {
            destination: '/sys/fs/cgroup',
            type: 'cgroup',
            source: 'cgroup',
            options: ['nosuid', 'noexec', 'nodev'],
          },
        );
      });
      const used = ownHierarchies(container.pid).filter(({ version }) => version === 1);
      if (used.length === 0) throw new Skip('the runtime does not use cgroup v1');
      for (const hierarchy of used) {
        const directory = cgroupDirectory(container.pid, hierarchy);
        expectEqual(statSync(directory).uid, 0, `the owner of ${directory}`);
      }
    },
  },
  {
    id: 'cgroups-mount',
    section: 'config.md#posix-platform-mounts',
    level: 'SHOULD',
    requirement: 'A mount of type cgroup shows the cgroup that the container is in.',
    broken: { ignores: '/mounts/-1' },
    async run(trial) {
      const container = await trial.running(
        'find /sys/fs/cgroup -name cgroup.procs | xargs grep -qx 1 && echo found',
        (config) => {
          config.mounts.push(
            {
              destination: '/sys',
              type: 'sysfs',
              source: 'sysfs',
              options: ['nosuid', 'noexec', 'nodev', 'ro'],
            },
            {
              destination: '/sys/fs/cgroup',
              type: 'cgroup',
              source: 'cgroup',
              options: ['nosuid', 'noexec', 'ro'],
            },
          );
        },
      );
      expectEqual(container.output, 'found\nready\n', 'what is found of the process');
    },
  },
];
