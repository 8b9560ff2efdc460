// runtime.md#state and runtime.md#query-state: what a container says of itself.

import type { Check } from '../harness/check.ts';
import type { State } from '../harness/container.ts';
import { expect, expectEqual, expectError, expectMatch, Failure } from '../harness/expect.ts';
import { commandLine, isAlive, namespaceOf } from '../harness/proc.ts';
import { WAIT } from '../harness/trial.ts';

export const checks: Check[] = [
  {
    id: 'state-created',
    section: 'runtime.md#state',
    level: 'MUST',
    requirement: 'After create and before start the status is created.',
    also: ['runtime.md#query-state/3'],
    musts: [2],
    broken: { reports: '/status', as: 'running' },
    async run(trial) {
      expectEqual(await (await trial.created('true')).status(), 'created', 'status');
    },
  },
  {
    id: 'state-running',
    section: 'runtime.md#state',
    level: 'MUST',
    requirement: 'While the program that the user specified runs, the status is running.',
    musts: [2],
    broken: { reports: '/status', as: 'created' },
    async run(trial) {
      expectEqual(await (await trial.running()).status(), 'running', 'status');
    },
  },
  {
    id: 'state-stopped',
    section: 'runtime.md#state',
    level: 'MUST',
    requirement: 'After the container process has exited, the status is stopped.',
    musts: [2],
    broken: { reports: '/status', as: 'running' },
    async run(trial) {
      expectEqual(await (await trial.stopped('true')).status(), 'stopped', 'status');
    },
  },
  {
    id: 'state-oci-version',
    section: 'runtime.md#state',
    level: 'MUST',
    requirement: 'ociVersion is a version of the specification in SemVer form.',
    broken: { reports: '/ociVersion', as: undefined },
    async run(trial) {
      const { ociVersion } = await (await trial.created('true')).state();
      expectMatch(String(ociVersion), /^\d+\.\d+\.\d+(-[\w.-]+)?(\+[\w.-]+)?$/, 'ociVersion');
    },
  },
  {
    id: 'state-id',
    section: 'runtime.md#state',
    level: 'MUST',
    requirement: 'id is the ID that create was given.',
    broken: { reports: '/id', as: 'other' },
    async run(trial) {
      const container = await trial.created('true');
      expectEqual((await container.state()).id, container.id, 'id');
    },
  },
  {
    id: 'state-pid-created',
    section: 'runtime.md#state',
    level: 'MUST',
    requirement: 'pid of a created container is a live process in the namespaces of the container.',
    broken: { reports: '/pid', as: 1 },
    async run(trial) {
      const container = await trial.created('true');
      const pid = Number((await container.state()).pid);
      expect(isAlive(pid), `process ${pid} does not live`);
      expect(namespaceOf(pid, 'pid') !== namespaceOf('self', 'pid'), `process ${pid} is outside`);
      expectEqual(pid, container.pid, 'pid');
    },
  },
  {
    id: 'state-pid-running',
    section: 'runtime.md#state',
    level: 'MUST',
    requirement: 'pid of a running container is the process that executes the user-specified program.',
    broken: { reports: '/pid', as: undefined },
    async run(trial) {
      const container = await trial.running();
      const pid = Number((await container.state()).pid);
      expectEqual(commandLine(pid), ['sleep', '120'], `the command line of process ${pid}`);
    },
  },
  {
    id: 'state-bundle-absolute',
    section: 'runtime.md#state',
    level: 'MUST',
    requirement: 'bundle is the absolute path of the bundle, even if create was given a relative one.',
    broken: { reports: '/bundle', as: '.' },
    async run(trial) {
      const bundle = trial.bundle('true');
      const container = trial.container(bundle, { cwd: bundle.directory });
      const flags = ['--pid-file', trial.path('pid'), '--bundle', '.'];
      await container.exec(['create', ...flags, container.id]);
      expectEqual((await container.state()).bundle, bundle.directory, 'bundle');
    },
  },
  {
    id: 'state-annotations',
    section: 'runtime.md#state',
    level: 'MUST',
    requirement: 'annotations are those of the configuration.',
    broken: { reports: '/annotations', as: {} },
    async run(trial) {
      const container = await trial.created('true', (config) => {
        config.annotations = { 'com.example.key': 'a value', 'com.example.empty': '' };
      });
      const annotations = (await container.state()).annotations as Record<string, string>;
      expectEqual(annotations?.['com.example.key'], 'a value', 'annotations["com.example.key"]');
      expectEqual(annotations?.['com.example.empty'], '', 'annotations["com.example.empty"]');
    },
  },
  {
    id: 'state-schema',
    section: 'runtime.md#state',
    level: 'MUST',
    requirement: 'In every status the JSON has the properties and types of state-schema.json.',
    musts: [3],
    also: ['runtime.md#query-state/3'],
    broken: { reports: '/pid', as: 'a string' },
    async run(trial) {
      const container = await trial.created(WAIT, (config) => {
        config.annotations = { 'com.example.key': 'value' };
      });
      expectSchema(await container.state());
      await container.start();
      expectSchema(await container.state());
      await container.kill('KILL');
      await container.exited();
      expectSchema(await container.state());
    },
  },
  {
    id: 'state-without-id',
    section: 'runtime.md#query-state',
    level: 'MUST',
    requirement: 'state without a container ID is an error.',
    musts: [1],
    broken: { forgives: 'state' },
    async run(trial) {
      const container = await trial.created('true');
      expectError(await container.exec(['state']), 'it was given no ID');
    },
  },
  {
    id: 'state-unknown-id',
    section: 'runtime.md#query-state',
    level: 'MUST',
    requirement: 'state of a container that does not exist is an error.',
    musts: [2],
    broken: { forgives: 'state' },
    async run(trial) {
      const container = await trial.created('true');
      expectError(await container.exec(['state', `${container.id}-unknown`]), 'there is no such container');
    },
  },
  {
    id: 'state-deleted',
    section: 'runtime.md#query-state',
    level: 'MUST',
    requirement: 'state of a deleted container is an error.',
    musts: [2],
    broken: { skips: 'delete' },
    async run(trial) {
      const container = await trial.stopped('true');
      await container.delete();
      expectError(await container.query(), 'the container was deleted');
    },
  },
];

/** schema/state-schema.json, in code. */
function expectSchema(state: State): void {
  const { ociVersion, id, status, pid, bundle, annotations = {} } = state;
  const isMap = typeof annotations === 'object' && annotations !== null && !Array.isArray(annotations);
  const wrong = [
    typeof ociVersion !== 'string' && 'ociVersion',
    typeof id !== 'string' && 'id',
    !['creating', 'created', 'running', 'stopped'].includes(String(status)) && 'status',
    pid !== undefined && !(Number.isInteger(pid) && Number(pid) >= 0) && 'pid',
    typeof bundle !== 'string' && 'bundle',
    !(isMap && Object.values(annotations).every((value) => typeof value === 'string')) && 'annotations',
  ].filter((name) => name !== false);
  if (wrong.length > 0) throw new Failure(`${wrong.join(', ')} of ${JSON.stringify(state)}`);
}
