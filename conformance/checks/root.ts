// config.md#root and bundle.md: the root filesystem, and where the bundle's parts are.

import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Check } from '../harness/check.ts';
import { expect, expectEqual, expectError } from '../harness/expect.ts';
import { removeAt, setAt } from '../harness/json.ts';
import { mountAt, parseMountInfo } from '../harness/proc.ts';
import { busyboxCommand, makeRootfs } from '../harness/rootfs.ts';
import { prints, refuses } from '../harness/shapes.ts';

const WRITE = 'echo content >/file && cat /file || echo refused';

export const checks: Check[] = [
  {
    id: 'root-relative',
    section: 'config.md#root',
    level: 'MUST',
    requirement: 'A relative root.path is relative to the bundle, wherever the runtime is executed.',
    broken: { reads: '/root/path', as: 'rootfs' },
    async run(trial) {
      const output = await trial.output('cat /which', (config, { directory, rootfs }) => {
        writeFileSync(join(rootfs, 'which'), 'the wrong one');
        const other = join(directory, 'below', 'other');
        renameSync(rootfs, mkdirAbove(other));
        writeFileSync(join(other, 'which'), 'the right one');
        makeAgain(trial.directory, rootfs);
        config.root.path = 'below/other';
      });
      expectEqual(output, 'the right one', 'the output');
    },
  },
  {
    id: 'root-absolute',
    section: 'config.md#root',
    level: 'MUST',
    requirement: 'root.path may be absolute, and outside of the bundle.',
    broken: { reads: '/root/path', as: 'rootfs' },
    async run(trial) {
      const elsewhere = trial.path('elsewhere');
      const output = await trial.output('cat /which', (config, { rootfs }) => {
        renameSync(rootfs, elsewhere);
        writeFileSync(join(elsewhere, 'which'), 'elsewhere');
        makeAgain(trial.directory, rootfs);
        config.root.path = elsewhere;
      });
      expectEqual(output, 'elsewhere', 'the output');
    },
  },
  {
    id: 'root-is-root',
    section: 'config.md#root',
    level: 'MUST',
    requirement: 'The root of the process is root.path: nothing of the host is above or beside it.',
    broken: { runs: 'touch $ROOTFS/unexpected', before: 'create' },
    async run(trial) {
      const bundle = trial.bundle('cd ..; cd ..; ls -d /*; ls');
      const container = trial.container(bundle, { env: { ROOTFS: bundle.rootfs } });
      await container.create();
      await container.start();
      await container.exited();
      const names = ['bin', 'dev', 'proc', 'sys', 'tmp'];
      expectEqual(
        container.output.trim().split('\n'),
        [...names.map((name) => `/${name}`), ...names],
        'the list of files in /',
      );
    },
  },
  {
    id: 'root-without-mount-namespace',
    section: 'config.md#root',
    level: 'MUST',
    requirement: 'The root of the process is root.path also without a mount namespace of its own.',
    broken: { reads: '/root/path', as: '/' },
    async run(trial) {
      const output = await trial.output('cat /which', (config, { rootfs }) => {
        writeFileSync(join(rootfs, 'which'), 'inside');
        config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'mount');
        config.mounts = [];
      });
      expectEqual(output, 'inside', 'the output');
    },
  },
  {
    id: 'root-missing-directory',
    section: 'config.md#root',
    level: 'MUST',
    requirement: 'A root.path where nothing is, is an error.',
    musts: [3],
    broken: { reads: '/root/path', as: 'rootfs' },
    run: refuses('root.path does not exist', (config) => {
      config.root.path = 'no-such-directory';
    }),
  },
  {
    id: 'root-not-a-directory',
    section: 'config.md#root',
    level: 'MUST',
    requirement: 'A root.path where something else than a directory is, is an error.',
    musts: [3],
    broken: { reads: '/root/path', as: 'rootfs' },
    run: refuses('root.path is a file', (config) => {
      config.root.path = 'config.json';
    }),
  },
  {
    id: 'root-missing',
    section: 'config.md#root',
    level: 'MUST',
    requirement: 'A configuration without the required root is an error.',
    also: ['config.md#valid-values/1'],
    broken: { reads: '/root', as: { path: 'rootfs' } },
    run: refuses('root is missing', (config) => removeAt(config, '/root')),
  },
  {
    id: 'root-path-empty',
    section: 'config.md#valid-values',
    level: 'MUST',
    requirement: 'An empty root.path is an error.',
    musts: [1],
    broken: { reads: '/root/path', as: 'rootfs' },
    run: refuses('root.path is empty', (config) => setAt(config, '/root/path', '')),
  },
  {
    id: 'root-readonly',
    section: 'config.md#root',
    level: 'MUST',
    requirement: 'With root.readonly the root filesystem is mounted read-only.',
    musts: [4],
    broken: { ignores: '/root/readonly' },
    async run(trial) {
      const script = `${WRITE}; cat /proc/self/mountinfo`;
      const output = await trial.output(script, (config) => {
        config.root.readonly = true;
      });
      expect(output.startsWith('refused\n'), 'a file could be written');
      expect(mountAt(parseMountInfo(output), '/').options.includes('ro'), 'the mount is not read-only');
    },
  },
  {
    id: 'root-readonly-mounts',
    section: 'config.md#root',
    level: 'MUST',
    requirement: 'root.readonly leaves the mounts below the root as they are configured.',
    broken: { reads: '/mounts/-1/options', as: ['ro'] },
    run: prints(
      'echo content >/tmp/file && cat /tmp/file',
      (config) => {
        config.root.readonly = true;
        config.mounts.push({ destination: '/tmp', type: 'tmpfs', source: 'tmpfs' });
      },
      'content',
    ),
  },
  {
    id: 'root-writable',
    section: 'config.md#root',
    level: 'MUST',
    requirement: 'Without root.readonly the root filesystem can be written.',
    musts: [4],
    broken: { reads: '/root/readonly', as: true },
    run: prints(WRITE, () => {}, 'content'),
  },
  {
    id: 'bundle-config-missing',
    section: 'bundle.md#container-format',
    level: 'MUST',
    requirement: 'A directory without config.json is no bundle: create is an error.',
    musts: [1],
    broken: { forgives: 'create' },
    async run(trial) {
      const container = trial.container(trial.bundle('true'));
      rmSync(join(container.bundle.directory, 'config.json'));
      expectError(await container.create(), 'there is no config.json');
    },
  },
  {
    id: 'bundle-config-name',
    section: 'bundle.md#container-format',
    level: 'MUST',
    requirement:
      'Only config.json in the root of the bundle is the configuration: no other name, no other place.',
    musts: [1],
    broken: { runs: 'cp $BUNDLE/sub/config.json $BUNDLE', before: 'create' },
    async run(trial) {
      const container = trial.container(trial.bundle('true'));
      const { directory } = container.bundle;
      mkdirSync(join(directory, 'sub'));
      renameSync(join(directory, 'config.json'), join(directory, 'sub', 'config.json'));
      trial.writeConfig({ ...container.bundle, directory: join(directory, 'sub') });
      writeFileSync(join(directory, 'Config.json'), '{}');
      expectError(await container.create(), 'config.json was not in the root of the bundle');
    },
  },
  {
    id: 'bundle-archive',
    section: 'bundle.md#container-format',
    level: 'MUST',
    requirement:
      'The bundle is what is in its directory: an archive of that works, unpacked under another name.',
    musts: [2],
    broken: { reads: '/root/path', as: '../moved' },
    async run(trial) {
      const bundle = trial.bundle('echo ran');
      const moved = trial.makeDirectory('another-name');
      const tar = (...args: string[]) => {
        const [file = '', ...words] = busyboxCommand(trial.directory, 'tar', ...args);
        return spawnSync(file, words, { timeout: 10_000 }).status;
      };
      expectEqual(tar('-cf', trial.path('tar'), '-C', bundle.directory, '.'), 0, 'the exit code of tar');
      expectEqual(tar('-xf', trial.path('tar'), '-C', moved), 0, 'the exit code of tar');
      rmSync(bundle.directory, { recursive: true });
      const container = trial.container({ ...bundle, directory: moved });
      await container.create();
      await container.start();
      await container.exited();
      expectEqual(container.output, 'ran\n', 'the output');
    },
  },
];

/** Makes the directory that `path` is to be in. */
function mkdirAbove(path: string): string {
  mkdirSync(join(path, '..'), { recursive: true });
  return path;
}

/** Another root filesystem in the usual place: what a runtime finds that ignores root.path. */
function makeAgain(trialDirectory: string, rootfs: string): void {
  makeRootfs(rootfs, join(trialDirectory, '..', 'busybox'));
}
