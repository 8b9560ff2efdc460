// config.md#linux-mount-options, idmap and ridmap, and the mappings of config.md#posix-platform-mounts.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Check } from '../harness/check.ts';
import { type Mount, setNamespace, useUserNamespace } from '../harness/config.ts';
import { expect, expectEqual } from '../harness/expect.ts';
import { holdNamespaces } from '../harness/namespaces.ts';
import { namespaceFile } from '../harness/proc.ts';
import type { Edit, Trial } from '../harness/trial.ts';

const section = 'config.md#linux-mount-options';
const HOST_ID = 100_000;
const OPTIONS = ['idmap', 'ridmap'] as const;

/** Files of root appear as those of another user and another group. */
const MAPPINGS = {
  uidMappings: [{ containerID: 0, hostID: HOST_ID + 5, size: 1000 }],
  gidMappings: [{ containerID: 0, hostID: HOST_ID + 6, size: 1000 }],
};

/** Prints the owners of a file of the mount and of a file of the mount below it. */
const STAT = 'stat -c %u:%g /tmp/file /tmp/below/file';

/** A tree of two mounts, each with a file of root, and a container that has it on /tmp. */
async function withTree(
  trial: Trial,
  mount: Partial<Mount>,
  edit: Edit,
): Promise<Parameters<Trial['output']>> {
  const source = trial.makeDirectory('source');
  trial.makeDirectory('source/below');
  trial.makeDirectory('other');
  trial.write('source/file', '');
  trial.write('source/below/file', '');
  trial.write('other/file', '');
  const { prefix } = await holdNamespaces(
    trial,
    ['mount'],
    `mount --make-rprivate /; mount --bind ${source} ${source}; mount --bind ${trial.path('other')} ${join(source, 'below')}`,
  );
  const configure: Edit = (config, bundle) => {
    config.mounts.push({ destination: '/tmp', source, ...mount });
    edit(config, bundle);
  };
  return [STAT, configure, { prefix }];
}

/** A runtime that does not know mappings of mounts. */
const UNMAPPED = {
  all: [{ ignores: '/mounts/-1/uidMappings' }, { ignores: '/mounts/-1/gidMappings' }],
};

const nothing: Edit = () => {};

export const checks: Check[] = [
  ...OPTIONS.flatMap((option, index): Check[] => {
    // Ordinals of the MUST statements: those of ridmap follow those of idmap.
    const must = 4 * index;
    const mapped = `${HOST_ID + 5}:${HOST_ID + 6}`;
    const below = option === 'ridmap' ? mapped : '0:0';
    return [
      {
        id: `${option}-mappings`,
        section,
        level: 'SHOULD',
        requirement: `${option} maps the owners of files by the mappings of the mount, ${
          option === 'ridmap' ? 'also' : 'but not'
        } in the mounts below it.`,
        musts: [39 + must, 40 + must],
        broken: { reads: '/mounts/-1', as: { destination: '/tmp', type: 'tmpfs', source: 'tmpfs' } },
        async run(trial) {
          const args = await withTree(trial, { options: ['rbind', option], ...MAPPINGS }, nothing);
          expectEqual((await trial.output(...args)).split('\n'), [mapped, below], 'the list of owners');
        },
      },
      {
        id: `${option}-mappings-user-namespace`,
        section,
        level: 'SHOULD',
        requirement: `${option} uses the mappings of the mount, not those of the container's user namespace.`,
        musts: [40 + must],
        broken: UNMAPPED,
        async run(trial) {
          const args = await withTree(trial, { options: ['rbind', option], ...MAPPINGS }, (config) =>
            useUserNamespace(config, HOST_ID),
          );
          expectEqual((await trial.output(...args)).split('\n')[0], '5:6', 'the owner');
        },
      },
      {
        id: `${option}-of-user-namespace`,
        section,
        level: 'MUST',
        requirement: `${option} without mappings uses those of the user namespace, or is an error.`,
        musts: [41 + must],
        broken: { reads: '/mounts/-1/options', as: ['rbind'] },
        async run(trial) {
          const [script, edit, runtimeOptions] = await withTree(
            trial,
            { options: ['rbind', option] },
            (config) => useUserNamespace(config, HOST_ID),
          );
          const container = trial.container(trial.bundle(script, edit), runtimeOptions);
          if ((await container.create()).code !== 0) return;
          await container.start();
          await container.exited();
          expectEqual(container.output.split('\n')[0], '0:0', 'the owner');
        },
      },
      {
        id: `${option}-of-joined-user-namespace`,
        section,
        level: 'MUST',
        requirement: `${option} without mappings uses those of the user namespace that is joined, or is an error.`,
        musts: [41 + must],
        broken: { reads: '/mounts/-1/options', as: ['rbind'] },
        async run(trial) {
          const { pid } = await holdNamespaces(trial, ['user']);
          const [script, edit, runtimeOptions] = await withTree(
            trial,
            { options: ['rbind', option] },
            (config) => setNamespace(config, 'user', namespaceFile(pid, 'user')),
          );
          const container = trial.container(trial.bundle(script, edit), runtimeOptions);
          if ((await container.create()).code !== 0) return;
          await container.start();
          await container.exited();
          expectEqual(container.output.split('\n')[0], '0:0', 'the owner');
        },
      },
      {
        id: `${option}-without-mappings`,
        section,
        level: 'MUST',
        requirement: `${option} without mappings and without a user namespace is an error.`,
        musts: [42 + must],
        broken: { reads: '/mounts/-1/options', as: ['rbind'] },
        async run(trial) {
          const [, edit, runtimeOptions] = await withTree(trial, { options: ['rbind', option] }, nothing);
          await trial.refused('there are no mappings', edit ?? nothing, runtimeOptions);
        },
      },
    ];
  }),
  ...(['uidMappings', 'gidMappings'] as const).map(
    (property, index): Check => ({
      id: `idmap-${property === 'uidMappings' ? 'uid' : 'gid'}-only`,
      section: 'config.md#posix-platform-mounts',
      level: 'MUST',
      requirement: `${property} of a mount without the other kind of mappings is an error.`,
      musts: [index + 1],
      also: ['config.md#valid-values/1'],
      broken: { reads: '/mounts/-1', as: { destination: '/tmp', type: 'tmpfs', source: 'tmpfs' } },
      async run(trial) {
        const mount = { options: ['rbind', 'idmap'], [property]: MAPPINGS[property] };
        const [, edit, runtimeOptions] = await withTree(trial, mount, nothing);
        await trial.refused('one kind of mappings is missing', edit ?? nothing, runtimeOptions);
      },
    }),
  ),
  {
    id: 'idmap-source-unchanged',
    section: 'config.md#posix-platform-mounts',
    level: 'SHOULD',
    requirement: 'Mapped owners are what the container sees: those of the source stay.',
    broken: UNMAPPED,
    async run(trial) {
      const args = await withTree(trial, { options: ['bind', 'idmap'], ...MAPPINGS }, nothing);
      const output = await trial.output(...args);
      expect(output.startsWith(`${HOST_ID + 5}:`), `the owner in the container is ${output}`);
      expectEqual(statSync(trial.path('source/file')).uid, 0, 'the owner on the host');
    },
  },
];
