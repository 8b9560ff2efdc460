// runtime.md#delete: only what is stopped is deleted, all of it, and nothing else.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupDirectory, cgroupProcesses, cgroupsNamed, hierarchies } from '../harness/cgroup.ts';
import type { Check } from '../harness/check.ts';
import { setNamespace } from '../harness/config.ts';
import { expect, expectEqual, expectError, expectSuccess } from '../harness/expect.ts';
import { holdNamespaces } from '../harness/namespaces.ts';
import { hostMounts, isAlive, namespaceFile } from '../harness/proc.ts';
import { WAIT } from '../harness/trial.ts';

export const checks: Check[] = [
  {
    id: 'delete-stopped',
    section: 'runtime.md#delete',
    level: 'MUST',
    requirement: 'A stopped container can be deleted, and is no more.',
    musts: [3],
    also: ['runtime.md#operations/1', 'runtime.md#lifecycle/16', 'runtime.md#scope-of-a-container/1'],
    broken: { skips: 'delete' },
    async run(trial) {
      const container = await trial.stopped('true');
      expectSuccess(await container.delete());
      expect(!(await container.exists()), 'the container still exists');
    },
  },
  {
    id: 'delete-without-id',
    section: 'runtime.md#delete',
    level: 'MUST',
    requirement: 'delete without a container ID is an error.',
    musts: [1],
    broken: { forgives: 'delete' },
    async run(trial) {
      const container = await trial.stopped('true');
      expectError(await container.exec(['delete']), 'it was given no ID');
      expect(await container.exists(), 'the container is gone');
    },
  },
  {
    id: 'delete-unknown-id',
    section: 'runtime.md#delete',
    level: 'MUST',
    requirement: 'delete of a container that does not exist is an error.',
    musts: [2],
    broken: { forgives: 'delete' },
    async run(trial) {
      const container = trial.container(trial.bundle('true'));
      expectError(await container.delete(), 'there is no such container');
    },
  },
  {
    id: 'delete-twice',
    section: 'runtime.md#delete',
    level: 'MUST',
    requirement: 'A deleted container cannot be deleted again.',
    musts: [2],
    broken: { skips: 'delete' },
    async run(trial) {
      const container = await trial.stopped('true');
      expectSuccess(await container.delete());
      expectError(await container.delete(), 'the container was deleted before');
    },
  },
  {
    id: 'delete-created',
    section: 'runtime.md#delete',
    level: 'MUST',
    requirement: 'delete of a created container is an error and has no effect.',
    musts: [2],
    broken: { adds: '--force', to: 'delete' },
    async run(trial) {
      const container = await trial.created('echo ran');
      expectError(await container.delete(), 'the container was only created');
      expectEqual(await container.status(), 'created', 'status');
      expectSuccess(await container.start());
      await container.printed('ran');
    },
  },
  {
    id: 'delete-running',
    section: 'runtime.md#delete',
    level: 'MUST',
    requirement: 'delete of a running container is an error and has no effect.',
    musts: [2],
    broken: { adds: '--force', to: 'delete' },
    async run(trial) {
      const container = await trial.running();
      expectError(await container.delete(), 'the container was running');
      expectEqual(await container.status(), 'running', 'status');
      expect(isAlive(container.pid), 'the container process is dead');
    },
  },
  {
    id: 'delete-removes-cgroup',
    section: 'runtime.md#delete',
    level: 'MUST',
    requirement: 'The cgroups that create made are removed.',
    musts: [3],
    broken: { runs: 'mkdir /sys/fs/cgroup/pids/$ID /sys/fs/cgroup/$ID', after: 'delete' },
    async run(trial) {
      const container = await trial.stopped('true');
      expect(cgroupsNamed(container.id).length > 0, 'create made no cgroup');
      expectSuccess(await container.delete());
      expectEqual(cgroupsNamed(container.id), [], 'the list of cgroups');
    },
  },
  {
    id: 'delete-removes-parent-cgroups',
    section: 'runtime.md#delete',
    level: 'MUST',
    requirement: 'Cgroups that create made above that of the container are removed too.',
    musts: [3],
    broken: { runs: 'mkdir /sys/fs/cgroup/pids/$ID /sys/fs/cgroup/$ID', after: 'delete' },
    async run(trial) {
      const container = await trial.stopped('true', (config, { id }) => {
        config.linux.cgroupsPath = `/${id}/middle/leaf`;
      });
      expect(cgroupsNamed(container.id).length > 0, 'create made no cgroup');
      expectSuccess(await container.delete());
      expectEqual(cgroupsNamed(container.id), [], 'the list of cgroups');
    },
  },
  {
    id: 'delete-without-pid-namespace',
    section: 'runtime.md#delete',
    level: 'MUST',
    requirement:
      'Cgroups are removed too when processes are left in them, which the exit of the container process did not end.',
    musts: [3],
    broken: { skips: 'delete' },
    async run(trial) {
      const container = await trial.stopped(`sleep 119 & echo started`, (config) =>
        setNamespace(config, 'pid', null),
      );
      expectEqual(container.output, 'started\n', 'the output');
      const left = cgroupsNamed(container.id).flatMap(cgroupProcesses);
      expect(left.length > 0, 'no process was left');
      expectSuccess(await container.delete());
      expectEqual(cgroupsNamed(container.id), [], 'the list of cgroups');
      expectEqual(left.filter(isAlive), [], 'the list of processes');
    },
  },
  {
    id: 'delete-removes-mounts',
    section: 'runtime.md#delete',
    level: 'MUST',
    requirement: 'No mount of the container is left in the mount namespace of the runtime.',
    musts: [3],
    also: ['runtime.md#lifecycle/16'],
    broken: { runs: 'mount -t tmpfs left $BUNDLE/rootfs', after: 'create' },
    async run(trial) {
      const container = await trial.stopped('true');
      expectSuccess(await container.delete());
      const left = hostMounts().filter(({ point }) => point.startsWith(trial.directory));
      expectEqual(left, [], 'the list of mounts');
    },
  },
  {
    id: 'delete-removes-state',
    section: 'runtime.md#delete',
    level: 'MUST',
    requirement: 'Nothing that names the container is left in the state directory of the runtime.',
    musts: [3],
    broken: { runs: 'mkdir -p $ROOT/$ID', after: 'delete' },
    async run(trial) {
      const env = { ROOT: join(trial.directory, 'state') };
      const container = await trial.stopped('true', undefined, { env });
      expectSuccess(await container.delete());
      const left = readdirSync(container.stateRoot, { recursive: true, encoding: 'utf8' });
      expectEqual(
        left.filter((name) => name.includes(container.id)),
        [],
        'the list of files',
      );
    },
  },
  {
    id: 'delete-keeps-bundle',
    section: 'runtime.md#delete',
    level: 'MUST',
    requirement: 'The bundle, and what the container wrote to its root filesystem, stay.',
    musts: [4],
    broken: { runs: 'rm -r $DIRECTORY', after: 'delete' },
    async run(trial) {
      const bundle = trial.bundle('echo kept >/tmp/file');
      const container = trial.container(bundle, { env: { DIRECTORY: join(bundle.rootfs, 'tmp') } });
      expectSuccess(await container.create());
      expectSuccess(await container.start());
      await container.exited();
      expectSuccess(await container.delete());
      expect(existsSync(join(bundle.directory, 'config.json')), 'config.json is gone');
      expectEqual(readFileSync(join(bundle.rootfs, 'tmp', 'file'), 'utf8'), 'kept\n', 'the file');
    },
  },
  {
    id: 'delete-keeps-joined-namespace',
    section: 'runtime.md#delete',
    level: 'MUST',
    requirement: 'A namespace that the container joined, and the processes in it, stay.',
    musts: [4],
    broken: { runs: 'kill -9 $OWNER', after: 'delete' },
    async run(trial) {
      const holder = await holdNamespaces(trial, ['network']);
      const container = await trial.stopped(
        'true',
        (config) => setNamespace(config, 'network', namespaceFile(holder.pid, 'network')),
        { env: { OWNER: String(holder.pid) } },
      );
      expectSuccess(await container.delete());
      expect(isAlive(holder.pid), 'the process that was in the namespace before is dead');
    },
  },
  {
    id: 'delete-keeps-existing-cgroup',
    section: 'runtime.md#delete',
    level: 'MUST',
    requirement: 'A cgroup that existed before the container was created stays.',
    musts: [4],
    broken: { runs: 'rmdir $CGROUPS', after: 'delete' },
    async run(trial) {
      const bundle = trial.bundle('true');
      // In every hierarchy: a runtime need not use them all.
      const cgroups = hierarchies().map(({ mountPoint }) => trial.makeCgroup(mountPoint, bundle.id));
      const container = trial.container(bundle, { env: { CGROUPS: cgroups.join(' ') } });
      expectSuccess(await container.create());
      const used = hierarchies().map((hierarchy) => cgroupDirectory(container.pid, hierarchy));
      expect(
        used.some((directory) => cgroups.includes(directory)),
        'the container is in none of the cgroups',
      );
      expectSuccess(await container.start());
      await container.exited();
      expectSuccess(await container.delete());
      expectEqual(
        cgroups.filter((directory) => !existsSync(directory)),
        [],
        'the list of cgroups that are gone',
      );
    },
  },
  {
    id: 'delete-frees-id',
    section: 'runtime.md#delete',
    level: 'MAY',
    requirement: 'The ID of a deleted container can be used by another one.',
    broken: { skips: 'delete' },
    async run(trial) {
      const container = await trial.stopped('echo first');
      expectSuccess(await container.delete());
      container.bundle.config.process.args = ['/bin/echo', 'second'];
      writeFileSync(container.outputFile, '');
      trial.writeConfig(container.bundle);
      expectSuccess(await container.create());
      expectSuccess(await container.start());
      await container.printed('second');
    },
  },
  {
    id: 'delete-killed',
    section: 'runtime.md#delete',
    level: 'MUST',
    requirement: 'A container that was stopped by a signal can be deleted.',
    musts: [3],
    broken: { skips: 'delete' },
    async run(trial) {
      const container = await trial.created(WAIT);
      expectSuccess(await container.kill('KILL'));
      await container.exited();
      expectSuccess(await container.delete());
      expect(!(await container.exists()), 'the container still exists');
    },
  },
];
