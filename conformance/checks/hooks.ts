// config.md#posix-platform-hooks, for every kind of hook: that it is invoked, how, and where.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Check, Section } from '../harness/check.ts';
import { HOOKS, type HookName } from '../harness/config.ts';
import { expect, expectEqual } from '../harness/expect.ts';
import { HookLog } from '../harness/hooks.ts';
import { namespaceOf } from '../harness/proc.ts';
import { WAIT } from '../harness/trial.ts';

interface Kind {
  name: HookName;
  section: Section;
  namespace: 'runtime' | 'container';
  /** The status that the state has when the hook is told about it. */
  status: string;
  /** Ordinals of the MUST statements: in runtime.md#lifecycle, #posix-platform-hooks and the own section. */
  invoked: number;
  path: [number, number];
  executed: [number, number];
}

const KINDS: Kind[] = [
  {
    name: 'prestart',
    section: 'config.md#prestart',
    namespace: 'runtime',
    status: 'creating',
    invoked: 5,
    path: [3, 3],
    executed: [4, 4],
  },
  {
    name: 'createRuntime',
    section: 'config.md#createruntime-hooks',
    namespace: 'runtime',
    status: 'creating',
    invoked: 7,
    path: [7, 2],
    executed: [8, 3],
  },
  {
    name: 'createContainer',
    section: 'config.md#createcontainer-hooks',
    namespace: 'container',
    status: 'creating',
    invoked: 9,
    path: [9, 3],
    executed: [10, 4],
  },
  {
    name: 'startContainer',
    section: 'config.md#startcontainer-hooks',
    namespace: 'container',
    status: 'created',
    invoked: 11,
    path: [11, 2],
    executed: [12, 3],
  },
  {
    name: 'poststart',
    section: 'config.md#poststart',
    namespace: 'runtime',
    status: 'running',
    invoked: 14,
    path: [13, 2],
    executed: [14, 3],
  },
  {
    name: 'poststop',
    section: 'config.md#poststop',
    namespace: 'runtime',
    status: 'stopped',
    invoked: 17,
    path: [15, 2],
    executed: [16, 3],
  },
];

/** The kind that a confused runtime could take it for: one of the other namespace, invoked about the same time. */
const CONFUSED: Record<HookName, HookName> = {
  prestart: 'createContainer',
  createRuntime: 'createContainer',
  createContainer: 'createRuntime',
  startContainer: 'poststart',
  poststart: 'startContainer',
  poststop: 'startContainer',
};

const NAMESPACES = ['network', 'uts', 'ipc', 'mount'] as const;

function checksOf(kind: Kind): Check[] {
  const { name, section, namespace } = kind;
  const where = namespace === 'runtime' ? 'on the host' : 'in the container';
  return [
    {
      id: `hook-invoked-${name}`,
      section: 'runtime.md#lifecycle',
      level: 'MUST',
      requirement: `${name} hooks are invoked, each once.`,
      musts: [kind.invoked],
      broken: { ignores: `/hooks/${name}` },
      async run(trial) {
        const log = new HookLog(trial);
        await log.life('true', (config) => {
          config.hooks[name] = [log.line('one'), log.line('two')];
        });
        expectEqual(log.lines.toSorted(), ['one', 'two'], 'the list of invoked hooks');
      },
    },
    {
      id: `hook-order-${name}`,
      section: 'config.md#posix-platform-hooks',
      level: 'MUST',
      requirement: `${name} hooks are called one after another in the listed order.`,
      musts: [17],
      broken: { reverses: `/hooks/${name}` },
      async run(trial) {
        const log = new HookLog(trial);
        await log.life('true', (config) => {
          config.hooks[name] = [
            log.hook('sleep 0.1; echo one >>$LOG/lines'),
            log.line('two'),
            log.line('three'),
          ];
        });
        expectEqual(log.lines, ['one', 'two', 'three'], 'the order of the hooks');
      },
    },
    {
      id: `hook-state-${name}`,
      section: 'config.md#posix-platform-hooks',
      level: 'MUST',
      requirement: `${name} hooks get the container's state, ${kind.status}, on their standard input.`,
      musts: [18],
      broken: { silences: 'hooks' },
      async run(trial) {
        const log = new HookLog(trial);
        const container = await log.life('true', (config) => {
          config.annotations = { 'com.example.key': 'value' };
          config.hooks[name] = [log.hook('cat >$LOG/state')];
        });
        const { id, status, bundle, annotations } = log.state('state');
        expectEqual(id, container.id, 'id');
        expectEqual(bundle, container.bundle.directory, 'bundle');
        expectEqual(annotations, { 'com.example.key': 'value' }, 'annotations');
        expectEqual(status, kind.status, 'status');
      },
    },
    {
      id: `hook-namespace-${name}`,
      section,
      level: 'MUST',
      requirement: `${name} hooks are executed in the ${namespace} namespace.`,
      musts: [kind.executed[1]],
      also: [`config.md#posix-platform-hooks/${kind.executed[0]}`],
      broken: { moves: `/hooks/${name}`, to: `/hooks/${CONFUSED[name]}` },
      async run(trial) {
        const log = new HookLog(trial);
        const links = 'for ns in net uts ipc mnt; do readlink /proc/self/ns/$ns; done >$LOG/hook';
        const container = await trial.created(WAIT, (config) => {
          log.share(config);
          config.hooks[name] = [log.hook(links)];
        });
        const pid = namespace === 'runtime' ? 'self' : container.pid;
        const wanted = NAMESPACES.map((type) => namespaceOf(pid, type));
        await container.start();
        await container.kill('KILL');
        await container.exited();
        await container.delete();
        expectEqual(log.read('hook').trim().split('\n'), wanted, 'the list of namespaces');
      },
    },
    {
      id: `hook-path-${name}`,
      section,
      level: 'MUST',
      requirement: `The path of ${name} hooks is that of a program ${name === 'startContainer' ? where : 'on the host'}.`,
      musts: [kind.path[1]],
      also: [`config.md#posix-platform-hooks/${kind.path[0]}`],
      broken: { reads: `/hooks/${name}/0/path`, as: '/hook-of-another-namespace' },
      async run(trial) {
        const log = new HookLog(trial);
        const program = `#!/bin/sh\necho ran >${log.directory}/lines\n`;
        await log.life('true', (config, { rootfs }) => {
          const inside = name === 'startContainer';
          const path = inside ? '/hook' : trial.write('hook', program, 0o755);
          if (inside) writeFileSync(join(rootfs, 'hook'), program, { mode: 0o755 });
          config.hooks[name] = [{ path }];
        });
        expectEqual(log.lines, ['ran'], "the hook's output");
      },
    },
    {
      id: `hook-arguments-${name}`,
      section: 'config.md#posix-platform-hooks',
      level: 'MUST',
      requirement: `${name} hooks get the listed args as they are, and the listed env only.`,
      broken: { reads: `/hooks/${name}/0/args/-1`, as: 'another' },
      async run(trial) {
        const log = new HookLog(trial);
        const script = 'printf "<%s>" "$@" >$LOG/arguments; env >$LOG/environment';
        const container = await trial.created(
          'true',
          (config) => {
            log.share(config);
            const hook = log.hook(script);
            hook.args = ['sh', '-c', script, 'sh', 'a b', '', '"$HOME'];
            hook.env = [...(hook.env ?? []), 'GIVEN=a b'];
            config.hooks[name] = [hook];
          },
          { env: { LEAK: 'from the runtime' } },
        );
        await container.start();
        await container.exited();
        await container.delete();
        const environment = log.read('environment').split('\n');
        expect(environment.includes('GIVEN=a b'), 'the listed variable is missing');
        expect(!environment.some((line) => line.startsWith('LEAK=')), 'a variable of the runtime is there');
        expectEqual(log.read('arguments'), '<a b><><"$HOME>', 'the list of arguments');
      },
    },
  ];
}

export const checks: Check[] = [
  ...KINDS.flatMap(checksOf),
  ...HOOKS.filter((name) => name !== 'poststop').map(
    (name): Check => ({
      id: `hook-pid-${name}`,
      section: 'runtime.md#state',
      level: 'MUST',
      requirement: `The pid that ${name} hooks are told is the one that their namespace sees.`,
      broken: { silences: 'hooks' },
      async run(trial) {
        const log = new HookLog(trial);
        const container = await trial.started(WAIT, (config) => {
          log.share(config);
          config.hooks[name] = [log.hook('cat >$LOG/state')];
        });
        const inside = name === 'createContainer' || name === 'startContainer';
        expectEqual(log.state('state').pid, inside ? 1 : container.pid, 'pid');
      },
    }),
  ),
];
