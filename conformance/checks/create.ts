// runtime.md#create, and what runtime.md#lifecycle and #errors say about it.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupsNamed } from '../harness/cgroup.ts';
import type { Check } from '../harness/check.ts';
import type { Config } from '../harness/config.ts';
import { expect, expectEqual, expectError, expectSuccess } from '../harness/expect.ts';
import { hostMounts, isAlive, namespaceOf, parseMountInfo, processesWith } from '../harness/proc.ts';
import { WAIT } from '../harness/trial.ts';

/** A property that no runtime can apply, found only when much of the container exists already. */
function unappliable(config: Config): void {
  config.mounts.push({ destination: '/tmp', type: 'no-such-filesystem', source: 'none' });
}

export const checks: Check[] = [
  {
    id: 'create-makes-container',
    section: 'runtime.md#create',
    level: 'MUST',
    requirement: 'create makes a new container: it has a state and a process in new namespaces.',
    musts: [3],
    also: ['runtime.md#lifecycle/1', 'runtime.md#operations/1', 'runtime.md#scope-of-a-container/1'],
    broken: { skips: 'create' },
    async run(trial) {
      const container = await trial.created(WAIT);
      expect(await container.exists(), 'state knows no container');
      for (const type of ['pid', 'network', 'mount', 'ipc', 'uts'] as const) {
        const own = namespaceOf(container.pid, type);
        expect(own !== namespaceOf('self', type), `the process is in the ${type} namespace of the host`);
      }
    },
  },
  {
    id: 'create-applies-configuration',
    section: 'runtime.md#create',
    level: 'MUST',
    requirement: 'Everything but process is applied by create: mounts and namespaces are there before start.',
    musts: [4],
    also: ['runtime.md#lifecycle/1', 'runtime.md#lifecycle/3'],
    broken: { ignores: '/mounts/-1' },
    async run(trial) {
      const container = await trial.created(WAIT, (config) => {
        config.mounts.push({ destination: '/tmp', type: 'tmpfs', source: 'applied' });
      });
      const mounts = parseMountInfo(readFileSync(`/proc/${container.pid}/mountinfo`, 'utf8'));
      expect(
        mounts.some(({ point, source }) => point === '/tmp' && source === 'applied'),
        '/tmp is not mounted before start',
      );
    },
  },
  {
    id: 'create-does-not-run-program',
    section: 'runtime.md#create',
    level: 'MUST',
    requirement: 'process.args is not executed before start.',
    musts: [5],
    also: ['runtime.md#lifecycle/3'],
    broken: { runs: '$RUNTIME start $ID', after: 'create' },
    async run(trial) {
      const container = await trial.created('echo ran');
      await new Promise((settle) => setTimeout(settle, 100));
      expectEqual(container.output, '', 'the output before start');
      expect(isAlive(container.pid), 'the container process has exited before start');
    },
  },
  {
    id: 'create-config-is-read-once',
    section: 'runtime.md#lifecycle',
    level: 'MUST',
    requirement: 'A change of config.json after create has no effect on the container.',
    musts: [4],
    broken: {
      runs: '$RUNTIME delete --force $ID; cd "$(dirname "$OUT")"; $RUNTIME create --bundle "$OUT" $ID >"$OUT.output"',
      before: 'start',
    },
    async run(trial) {
      const bundle = trial.bundle('echo first');
      const container = trial.container(bundle, { env: { OUT: bundle.directory } });
      await container.create();
      bundle.config.process.args = ['/bin/echo', 'second'];
      trial.writeConfig(bundle);
      const first = container.knownPid;
      expectSuccess(await container.start());
      await container.exited();
      expectEqual(container.output.trim(), 'first', 'the output');
      expectEqual(container.knownPid, first, 'the process ID');
    },
  },
  {
    id: 'create-without-id',
    section: 'runtime.md#create',
    level: 'MUST',
    requirement: 'create without a container ID is an error.',
    musts: [1],
    broken: { forgives: 'create' },
    async run(trial) {
      const container = trial.container(trial.bundle(WAIT));
      const result = await container.exec(['create', '--bundle', container.bundle.directory]);
      expectError(result, 'it was given no ID');
    },
  },
  {
    id: 'create-without-bundle',
    section: 'runtime.md#create',
    level: 'MUST',
    requirement: 'create without a path, in a directory that is no bundle, is an error.',
    musts: [1],
    broken: { forgives: 'create' },
    async run(trial) {
      const container = trial.container(trial.bundle(WAIT));
      const cwd = trial.makeDirectory('empty');
      expectError(await container.exec(['create', container.id], { cwd }), 'there is no bundle');
      expect(!(await container.exists()), 'there is a container');
    },
  },
  {
    id: 'create-id-in-use-created',
    section: 'runtime.md#create',
    level: 'MUST',
    requirement: 'The ID of a created container cannot be used again, and that container stays as it is.',
    musts: [2],
    also: ['runtime.md#state/1', 'runtime.md#errors/1'],
    broken: { runs: '$RUNTIME delete --force $ID', before: 'create' },
    async run(trial) {
      const container = await trial.created(WAIT);
      const { pid } = container;
      const second = trial.container(trial.bundle(WAIT), {}, container.id);
      const result = await second.exec(['create', '--bundle', second.bundle.directory, container.id]);
      expectError(result, 'the ID was in use');
      expectEqual((await container.state()).pid, pid, 'pid of the first container');
      expectEqual((await container.state()).bundle, container.bundle.directory, 'its bundle');
    },
  },
  {
    id: 'create-id-in-use-stopped',
    section: 'runtime.md#create',
    level: 'MUST',
    requirement: 'The ID of a stopped container cannot be used again before it is deleted.',
    musts: [2],
    broken: { runs: '$RUNTIME delete --force $ID', before: 'create' },
    async run(trial) {
      const container = await trial.stopped('true');
      const second = trial.container(trial.bundle(WAIT), {}, container.id);
      const result = await second.exec(['create', '--bundle', second.bundle.directory, container.id]);
      expectError(result, 'the ID was in use');
      expectEqual((await container.state()).bundle, container.bundle.directory, 'bundle');
    },
  },
  ...['', '.', '..', '../escape', 'a/b', 'a b\n'].map(
    (id, index): Check => ({
      id: `create-invalid-id-${index + 1}`,
      section: 'runtime.md#create',
      level: 'MUST',
      requirement: `${JSON.stringify(id)}, which cannot name a container, is refused as an ID.`,
      musts: [2],
      broken: { forgives: 'create' },
      async run(trial) {
        const container = trial.container(trial.bundle(WAIT));
        const before = readdirSync(trial.directory);
        const result = await container.exec(['create', '--bundle', container.bundle.directory, id]);
        expectError(result, 'the ID is invalid');
        const made = readdirSync(trial.directory).filter((name) => !before.includes(name));
        expectEqual(made.filter((name) => !name.includes('.create')).length, 0, 'the number of new files');
      },
    }),
  ),
  {
    id: 'create-error-leaves-no-container',
    section: 'runtime.md#create',
    level: 'MUST',
    requirement: 'A property that cannot be applied is an error of create, and there is no container.',
    musts: [6],
    also: ['runtime.md#lifecycle/2'],
    broken: { ignores: '/mounts/-1' },
    async run(trial) {
      await trial.refused('a mount has an unknown type', unappliable);
    },
  },
  {
    id: 'create-error-leaves-nothing',
    section: 'runtime.md#errors',
    level: 'MUST',
    requirement: 'A failed create leaves no process, no mount, no cgroup and no state on the host.',
    musts: [1],
    broken: { runs: 'mkdir /sys/fs/cgroup/pids/$ID /sys/fs/cgroup/$ID', after: 'create' },
    async run(trial) {
      const container = await trial.refused('a mount has an unknown type', unappliable);
      expectEqual(cgroupsNamed(container.id), [], 'the list of cgroups');
      const mounts = hostMounts().filter(({ point }) => point.startsWith(trial.directory));
      expectEqual(mounts, [], 'the list of mounts');
      expectEqual(processesWith(container.id), [], 'the list of processes');
      expect(!existsSync(join(container.stateRoot, container.id)), 'its state directory is still there');
    },
  },
  {
    id: 'create-error-frees-id',
    section: 'runtime.md#errors',
    level: 'MUST',
    requirement: 'The ID of a failed create can be used, as if create had not been tried.',
    musts: [1],
    broken: { runs: 'test -e $OUT || { mkdir -p $ROOT/$ID; touch $OUT; }', after: 'create' },
    async run(trial) {
      const bundle = trial.bundle('echo ran', unappliable);
      const env = { ROOT: join(trial.directory, 'state'), OUT: trial.path('failed') };
      const container = trial.container(bundle, { env });
      expectError(await container.create(), 'a mount has an unknown type');
      bundle.config.mounts.pop();
      trial.writeConfig(bundle);
      expectSuccess({ ...(await container.create()), stderr: container.errors });
    },
  },
  {
    id: 'create-two-containers',
    section: 'runtime.md#create',
    level: 'MUST',
    requirement: 'Containers with different IDs live side by side, each with its own state.',
    musts: [2],
    broken: {
      runs: 'for c in $(ls $ROOT); do test $c = $ID || $RUNTIME delete --force $c; done',
      after: 'create',
    },
    async run(trial) {
      const env = { ROOT: join(trial.directory, 'state') };
      const first = await trial.created(WAIT, undefined, { env });
      const second = await trial.created(WAIT, undefined, { env });
      expectSuccess(await second.start());
      expectEqual(await first.status(), 'created', 'status of the first');
      expectEqual(await second.status(), 'running', 'status of the second');
    },
  },
];
