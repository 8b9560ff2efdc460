// Hooks that fail, take too long or cannot be executed: runtime.md#lifecycle.

import { join } from 'node:path';
import type { Check } from '../harness/check.ts';
import type { HookName } from '../harness/config.ts';
import { expect, expectEqual, expectError, expectSuccess } from '../harness/expect.ts';
import { HookLog } from '../harness/hooks.ts';
import { setAt } from '../harness/json.ts';
import { isAlive, processesWith } from '../harness/proc.ts';
import { WAIT } from '../harness/trial.ts';

/** Kinds whose failure is an error, the operation that meets it, and its ordinal in runtime.md#lifecycle. */
const FATAL: { name: HookName; operation: 'create' | 'start'; must: number }[] = [
  { name: 'prestart', operation: 'create', must: 6 },
  { name: 'createRuntime', operation: 'create', must: 8 },
  { name: 'createContainer', operation: 'create', must: 10 },
  { name: 'startContainer', operation: 'start', must: 12 },
  { name: 'poststart', operation: 'start', must: 15 },
];

function checksOf({ name, operation, must }: (typeof FATAL)[number]): Check[] {
  return [
    {
      id: `hook-failure-${name}`,
      section: 'runtime.md#lifecycle',
      level: 'MUST',
      requirement: `A ${name} hook that fails is an error of ${operation}, and the container is stopped.`,
      musts: [must],
      broken: { ignores: `/hooks/${name}` },
      async run(trial) {
        const log = new HookLog(trial);
        const bundle = trial.bundle(`echo program; ${WAIT}`, (config) => {
          config.hooks[name] = [log.hook('exit 3')];
        });
        const container = trial.container(bundle);
        const created = await container.create();
        if (operation === 'start') expectSuccess(created);
        const result = operation === 'start' ? await container.start() : created;
        expectError(result, `a ${name} hook failed`);
        const { knownPid } = container;
        expect(knownPid === undefined || !isAlive(knownPid), 'the container process lives on');
        if (name !== 'poststart') expectEqual(container.output, '', 'the output of the program');
      },
    },
    {
      id: `hook-failure-destroys-${name}`,
      section: 'runtime.md#lifecycle',
      level: 'MUST',
      requirement: `After a ${name} hook failed, the container is destroyed and poststop hooks are called.`,
      musts: [must],
      also: ['runtime.md#lifecycle/16', 'runtime.md#lifecycle/17'],
      broken: { ignores: '/hooks/poststop' },
      async run(trial) {
        const log = new HookLog(trial);
        const bundle = trial.bundle(WAIT, (config) => {
          config.hooks[name] = [log.hook('exit 3')];
          config.hooks.poststop = [log.line('poststop')];
        });
        const container = trial.container(bundle);
        await container.create();
        if (operation === 'start') await container.start();
        expect(!(await container.exists()), 'the container still exists');
        expectEqual(log.lines, ['poststop'], 'the list of called hooks');
      },
    },
  ];
}

export const checks: Check[] = [
  ...FATAL.flatMap(checksOf),
  {
    id: 'hook-failure-poststop',
    section: 'runtime.md#lifecycle',
    level: 'MUST',
    requirement:
      'A poststop hook that fails is only a warning: the rest are called and the container is deleted.',
    musts: [18],
    also: ['runtime.md#warnings/1'],
    broken: { ignores: '/hooks/poststop/-1' },
    async run(trial) {
      const log = new HookLog(trial);
      const container = await log.life('true', (config) => {
        config.hooks.poststop = [log.hook('exit 3'), { path: '/no/such/hook' }, log.line('last')];
      });
      expectEqual(log.lines, ['last'], 'the list of hooks that succeeded');
      expect(!(await container.exists()), 'the container still exists');
    },
  },
  {
    id: 'hook-program-missing',
    section: 'runtime.md#lifecycle',
    level: 'MUST',
    requirement: 'A createRuntime hook whose program does not exist has failed.',
    musts: [8],
    broken: { ignores: '/hooks/createRuntime' },
    async run(trial) {
      await trial.refused('the hook does not exist', (config) => {
        config.hooks.createRuntime = [{ path: '/no/such/hook' }];
      });
    },
  },
  ...(['prestart', 'createRuntime', 'startContainer'] as const).map(
    (name): Check => ({
      id: `hook-path-relative-${name}`,
      section: 'config.md#posix-platform-hooks',
      level: 'MUST',
      requirement: `A relative path of a ${name} hook is an error.`,
      musts: name === 'prestart' ? [1] : [5],
      broken: { reads: `/hooks/${name}/0/path`, as: '/bin/true' },
      async run(trial) {
        // A runtime that takes the path as relative to some directory finds a program in each that it could be.
        const program = '#!/bin/sh\nexit 0\n';
        const bundle = trial.bundle(WAIT, (config, { id }) => {
          config.hooks[name] = [{ path: './bin/busybox', args: ['true'] }];
          trial.makeDirectory('bin');
          trial.makeDirectory(join(id, 'bin'));
          trial.write('bin/busybox', program, 0o755);
          trial.write(join(id, 'bin', 'busybox'), program, 0o755);
        });
        const container = trial.container(bundle, { cwd: trial.directory });
        if ((await container.create()).code !== 0) return;
        expectError(await container.start(), 'the path of the hook is relative');
      },
    }),
  ),
  ...(['createRuntime', 'createContainer', 'startContainer'] as const).map(
    (name): Check => ({
      id: `hook-timeout-${name}`,
      section: 'config.md#posix-platform-hooks',
      level: 'MUST',
      requirement: `A ${name} hook is aborted after timeout seconds, and has failed.`,
      broken: { ignores: `/hooks/${name}/0/timeout` },
      async run(trial) {
        const log = new HookLog(trial);
        const bundle = trial.bundle(WAIT, (config, { id }) => {
          const hook = log.hook('exec sleep 5.0$MARK');
          config.hooks[name] = [
            { ...hook, env: [...(hook.env ?? []), `MARK=${id.replace(/\D/g, '')}`], timeout: 1 },
          ];
        });
        const container = trial.container(bundle);
        const created = await container.create();
        const result = name === 'startContainer' ? await container.start() : created;
        expectError(result, 'the hook took longer than its timeout');
        expectEqual(processesWith(`5.0${bundle.id.replace(/\D/g, '')}`), [], 'the list of hooks that run');
      },
    }),
  ),
  ...[0, -1].map(
    (timeout): Check => ({
      id: `hook-timeout-${timeout === 0 ? 'zero' : 'negative'}`,
      section: 'config.md#posix-platform-hooks',
      level: 'MUST',
      requirement: `A timeout of ${timeout}, which is not greater than zero, is an error.`,
      musts: [2, 6],
      broken: { ignores: '/hooks/createRuntime/0/timeout' },
      async run(trial) {
        await trial.refused(`timeout is ${timeout}`, (config) => {
          config.hooks.createRuntime = [{ path: '/bin/true' }];
          setAt(config, '/hooks/createRuntime/0/timeout', timeout);
        });
      },
    }),
  ),
];
