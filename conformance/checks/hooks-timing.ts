// When each kind of hook is called: config.md#prestart to config.md#poststop, and runtime.md#lifecycle.

import type { Check, Section } from '../harness/check.ts';
import type { HookName } from '../harness/config.ts';
import { expect, expectEqual, expectSuccess } from '../harness/expect.ts';
import { HookLog } from '../harness/hooks.ts';
import { parseMountInfo } from '../harness/proc.ts';
import { WAIT } from '../harness/trial.ts';

/** Puts the pid from the state on standard input into `$pid`. */
const READ_PID = `pid=$(sed -n 's/.*"pid": *\\([0-9]*\\).*/\\1/p')`;

const AT_CREATE: { name: HookName; section: Section; later: HookName }[] = [
  { name: 'prestart', section: 'config.md#prestart', later: 'poststop' },
  { name: 'createRuntime', section: 'config.md#createruntime-hooks', later: 'poststop' },
  { name: 'createContainer', section: 'config.md#createcontainer-hooks', later: 'startContainer' },
];

function checksAtCreate({ name, section, later }: (typeof AT_CREATE)[number]): Check[] {
  // A runtime hook looks at the container process; a container hook is in its mount namespace itself.
  const look = name === 'createContainer' ? 'pid=self' : READ_PID;
  return [
    {
      id: `hook-during-create-${name}`,
      section,
      level: 'MUST',
      requirement: `${name} hooks are called by create, not by start.`,
      musts: [1],
      broken: { moves: `/hooks/${name}`, to: `/hooks/${later}` },
      async run(trial) {
        const log = new HookLog(trial);
        await trial.created(WAIT, (config) => {
          log.share(config);
          config.hooks[name] = [log.line('called')];
        });
        expectEqual(log.lines, ['called'], 'the log after create');
      },
    },
    {
      id: `hook-after-mounts-${name}`,
      section,
      level: 'MUST',
      requirement: `When ${name} hooks are called, the mounts of the container have been made.`,
      musts: [1],
      broken: { ignores: '/mounts/-1' },
      async run(trial) {
        const log = new HookLog(trial);
        await trial.created(WAIT, (config) => {
          log.share(config);
          config.hooks[name] = [log.hook(`${look}; cat /proc/$pid/mountinfo >$LOG/mounts`)];
          config.mounts.push({ destination: '/tmp', type: 'tmpfs', source: 'made-before' });
        });
        const made = parseMountInfo(log.read('mounts')).some(({ source }) => source === 'made-before');
        expect(made, 'the mount is missing');
      },
    },
    {
      id: `hook-before-pivot-${name}`,
      section,
      level: 'MUST',
      requirement: `When ${name} hooks are called, the container process still sees the host's root.`,
      musts: [1],
      broken: { moves: `/hooks/${name}`, to: `/hooks/${later}` },
      async run(trial) {
        const log = new HookLog(trial);
        const onHost = trial.write('on-the-host', '');
        await trial
          .started(WAIT, (config) => {
            log.share(config);
            config.hooks[name] = [
              log.hook(`${look}; test -e /proc/$pid/root${onHost} && echo before >$LOG/lines`),
            ];
          })
          .catch(() => {});
        expectEqual(log.lines, ['before'], 'what the hook saw');
      },
    },
  ];
}

export const checks: Check[] = [
  ...AT_CREATE.flatMap(checksAtCreate),
  {
    id: 'hook-prestart-before-createRuntime',
    section: 'config.md#prestart',
    level: 'MUST',
    requirement: 'prestart hooks are called before createRuntime hooks.',
    musts: [2],
    broken: { moves: '/hooks/prestart', to: '/hooks/createContainer' },
    async run(trial) {
      const log = new HookLog(trial);
      await trial.created(WAIT, (config) => {
        config.hooks.createRuntime = [log.line('createRuntime')];
        config.hooks.prestart = [log.line('prestart')];
      });
      expectEqual(log.lines, ['prestart', 'createRuntime'], 'the order');
    },
  },
  {
    id: 'hook-createContainer-after-createRuntime',
    section: 'config.md#createcontainer-hooks',
    level: 'MUST',
    requirement: 'createContainer hooks are called after createRuntime hooks.',
    musts: [2],
    broken: { moves: '/hooks/createContainer', to: '/hooks/prestart' },
    async run(trial) {
      const log = new HookLog(trial);
      await trial.created(WAIT, (config) => {
        config.hooks.createContainer = [log.line('createContainer')];
        config.hooks.createRuntime = [log.line('createRuntime')];
      });
      expectEqual(log.lines, ['createRuntime', 'createContainer'], 'the order');
    },
  },
  {
    id: 'hook-startContainer-before-program',
    section: 'config.md#startcontainer-hooks',
    level: 'MUST',
    requirement: 'startContainer hooks are called by start, before the program runs.',
    musts: [1],
    broken: { moves: '/hooks/startContainer', to: '/hooks/createContainer' },
    async run(trial) {
      const log = new HookLog(trial);
      const container = await trial.created('echo program >>$LOG/lines', (config) => {
        log.share(config);
        config.hooks.startContainer = [log.hook('sleep 0.1; echo hook >>$LOG/lines')];
      });
      expectEqual(log.lines, [], 'the log before start');
      expectSuccess(await container.start());
      await container.exited();
      expectEqual(log.lines, ['hook', 'program'], 'the order');
    },
  },
  {
    id: 'hook-poststart-after-program',
    section: 'config.md#poststart',
    level: 'MUST',
    requirement: 'poststart hooks are called after the program is executed, and before start returns.',
    musts: [1],
    broken: { moves: '/hooks/poststart', to: '/hooks/createRuntime' },
    async run(trial) {
      const log = new HookLog(trial);
      const script = `${READ_PID}; sleep 0.1; tr '\\0' ' ' </proc/$pid/cmdline >$LOG/program`;
      await trial.started('', (config) => {
        config.process.args = ['/bin/sleep', '119'];
        config.hooks.poststart = [log.hook(script)];
      });
      expectEqual(log.read('program'), '/bin/sleep 119 ', 'what the container process executed');
    },
  },
  {
    id: 'hook-poststop-during-delete',
    section: 'config.md#poststop',
    level: 'MUST',
    requirement: 'poststop hooks are called by delete, before it returns, and not when the process exits.',
    musts: [1],
    broken: { moves: '/hooks/poststop', to: '/hooks/poststart' },
    async run(trial) {
      const log = new HookLog(trial);
      const container = await trial.stopped('true', (config) => {
        config.hooks.poststop = [log.hook('sleep 0.1; echo poststop >>$LOG/lines')];
      });
      expectEqual(log.lines, [], 'the log before delete');
      expectSuccess(await container.delete());
      expectEqual(log.lines, ['poststop'], 'the log after delete');
    },
  },
  {
    id: 'hook-poststop-after-deletion',
    section: 'config.md#poststop',
    level: 'MUST',
    requirement: 'When poststop hooks are called, the container and its cgroup are gone already.',
    musts: [1],
    broken: { moves: '/hooks/poststop', to: '/hooks/poststart' },
    async run(trial) {
      const log = new HookLog(trial);
      const container = await trial.stopped('true', (config, { id }) => {
        const state = trial.path('state');
        const list = `ls -d ${state}/${id} /sys/fs/cgroup/${id} /sys/fs/cgroup/*/${id} 2>/dev/null`;
        config.hooks.poststop = [log.hook(`echo called >$LOG/lines; ${list} >>$LOG/lines; true`)];
      });
      expectSuccess(await container.delete());
      expectEqual(log.lines, ['called'], 'what the hook saw');
    },
  },
];
