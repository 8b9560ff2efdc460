// runtime.md#start: the program that the user specified runs, once.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Check } from '../harness/check.ts';
import { expect, expectEqual, expectError, expectSuccess } from '../harness/expect.ts';
import { removeAt } from '../harness/json.ts';

export const checks: Check[] = [
  {
    id: 'start-runs-program',
    section: 'runtime.md#start',
    level: 'MUST',
    requirement: 'start runs the program of process.args.',
    musts: [3],
    also: ['runtime.md#lifecycle/13', 'runtime.md#operations/1', 'runtime.md#scope-of-a-container/1'],
    broken: { skips: 'start' },
    async run(trial) {
      expectEqual(await trial.output('echo ran'), 'ran', 'the output');
    },
  },
  {
    id: 'start-without-id',
    section: 'runtime.md#start',
    level: 'MUST',
    requirement: 'start without a container ID is an error.',
    musts: [1],
    broken: { forgives: 'start' },
    async run(trial) {
      const container = await trial.created('true');
      expectError(await container.exec(['start']), 'it was given no ID');
      expectEqual(await container.status(), 'created', 'status');
    },
  },
  {
    id: 'start-unknown-id',
    section: 'runtime.md#start',
    level: 'MUST',
    requirement: 'start of a container that does not exist is an error.',
    musts: [2],
    broken: { forgives: 'start' },
    async run(trial) {
      const container = trial.container(trial.bundle('true'));
      expectError(await container.start(), 'there is no such container');
    },
  },
  {
    id: 'start-running',
    section: 'runtime.md#start',
    level: 'MUST',
    requirement: 'start of a running container is an error and has no effect.',
    musts: [2],
    broken: { forgives: 'start' },
    async run(trial) {
      const container = await trial.running('echo once');
      const { pid } = container;
      expectError(await container.start(), 'the container was running');
      const { status, pid: now } = await container.state();
      expectEqual([status, now], ['running', pid], 'status and pid');
      expectEqual(container.output, 'once\nready\n', 'the output');
    },
  },
  {
    id: 'start-stopped',
    section: 'runtime.md#start',
    level: 'MUST',
    requirement: 'start of a stopped container is an error and does not run the program again.',
    musts: [2],
    broken: { forgives: 'start' },
    async run(trial) {
      const container = await trial.stopped('echo once');
      expectError(await container.start(), 'the container was stopped');
      expectEqual(await container.status(), 'stopped', 'status');
      expectEqual(container.output, 'once\n', 'the output');
    },
  },
  {
    id: 'start-deleted',
    section: 'runtime.md#start',
    level: 'MUST',
    requirement: 'start of a deleted container is an error.',
    musts: [2],
    broken: { skips: 'delete' },
    async run(trial) {
      const container = await trial.created('true');
      expectSuccess(await container.delete('--force'));
      expectError(await container.start(), 'the container was deleted');
      expect(!(await container.exists()), 'the container is still there');
    },
  },
  {
    id: 'start-without-process',
    section: 'runtime.md#start',
    level: 'MUST',
    requirement: 'Without process in the configuration, start is an error.',
    musts: [4],
    broken: { forgives: 'start' },
    async run(trial) {
      const container = trial.container(trial.bundle('true', (config) => removeAt(config, '/process')));
      await container.create();
      expectError(await container.start(), 'process was not set');
    },
  },
  {
    id: 'create-without-process',
    section: 'config.md#process',
    level: 'MUST',
    requirement: 'process is optional until start: create accepts a configuration without it.',
    broken: { reads: '/process', as: {} },
    async run(trial) {
      const container = await trial.created('true', (config) => removeAt(config, '/process'));
      expectEqual(await container.status(), 'created', 'status');
    },
  },
  {
    id: 'start-arguments',
    section: 'config.md#process',
    level: 'MUST',
    requirement: 'The program gets process.args as they are: empty ones, spaces, quotes and line ends too.',
    broken: { reads: '/process/args/-1', as: 'x' },
    async run(trial) {
      const args = ['', 'a b', `'"$HOME\\`, 'line\nend', 'ü'];
      const output = await trial.output('', (config) => {
        config.process.args = ['/bin/sh', '-c', 'printf "<%s>" "$@"', 'sh', ...args];
      });
      expectEqual(output, args.map((arg) => `<${arg}>`).join(''), 'the list of arguments');
    },
  },
  {
    id: 'start-search-path',
    section: 'config.md#process',
    level: 'MUST',
    requirement: 'args[0] without a slash is looked up in the PATH of process.env, as execvp does.',
    broken: { reads: '/process/env', as: ['PATH=/bin'] },
    async run(trial) {
      const output = await trial.output('', (config, { rootfs }) => {
        const program = '#!/bin/sh\necho found "$1"\n';
        writeFileSync(join(rootfs, 'tmp', 'program'), program, { mode: 0o755 });
        config.process.args = ['program', 'me'];
        config.process.env = ['PATH=/bin:/tmp'];
      });
      expectEqual(output, 'found me', 'the output');
    },
  },
  {
    id: 'start-relative-program',
    section: 'config.md#process',
    level: 'MUST',
    requirement: 'A relative args[0] with a slash in it is relative to process.cwd, as for execvp.',
    broken: { reads: '/process/cwd', as: '/' },
    async run(trial) {
      const output = await trial.output('', (config, { rootfs }) => {
        writeFileSync(join(rootfs, 'tmp', 'program'), '#!/bin/sh\necho found\n', { mode: 0o755 });
        config.process.args = ['./program'];
        config.process.cwd = '/tmp';
      });
      expectEqual(output, 'found', 'the output');
    },
  },
  ...[
    { name: 'missing', make: () => {}, reason: 'the program does not exist' },
    {
      name: 'not-executable',
      make: (path: string) => writeFileSync(path, '#!/bin/sh\n', { mode: 0o644 }),
      reason: 'the program is not executable',
    },
    { name: 'directory', make: (path: string) => mkdirSync(path), reason: 'the program is a directory' },
  ].map(
    ({ name, make, reason }): Check => ({
      id: `start-program-${name}`,
      section: 'runtime.md#start',
      level: 'MUST',
      requirement: `When ${reason}, create or start is an error.`,
      musts: [3],
      also: ['runtime.md#create/6'],
      broken: { all: [{ forgives: 'create' }, { forgives: 'start' }] },
      async run(trial) {
        const bundle = trial.bundle('', (config, { rootfs }) => {
          make(join(rootfs, 'program'));
          config.process.args = ['/program'];
        });
        const container = trial.container(bundle);
        if ((await container.create()).code !== 0) return;
        expectError(await container.start(), reason);
      },
    }),
  ),
];
