// config.md#linux-process: oom_score_adj, scheduler, I/O priority, CPU affinity and security modules.

import { cpus } from 'node:os';
import type { Check } from '../harness/check.ts';
import { expectEqual, expectSuccess } from '../harness/expect.ts';
import { setAt } from '../harness/json.ts';
import { prints, refuses } from '../harness/shapes.ts';

const section = 'config.md#linux-process';

/** Fields 18 (priority) to 41 (policy) of /proc/PID/stat, proc(5). */
const STAT = `sed 's/.*) //' /proc/self/stat | cut -d ' ' -f`;
const [NICE, RT_PRIORITY, POLICY] = [17, 38, 39];

export const checks: Check[] = [
  {
    id: 'oom-score-adj',
    section,
    level: 'MUST',
    requirement: 'oom_score_adj of the process is process.oomScoreAdj.',
    musts: [2],
    broken: { ignores: '/process/oomScoreAdj' },
    run: prints(
      'cat /proc/self/oom_score_adj',
      (config) => {
        config.process.oomScoreAdj = 321;
      },
      '321',
    ),
  },
  {
    id: 'oom-score-adj-unset',
    section,
    level: 'MUST',
    requirement: 'Without process.oomScoreAdj the process keeps the oom_score_adj of the runtime.',
    musts: [3],
    broken: { reads: '/process/oomScoreAdj', as: 500 },
    async run(trial) {
      const prefix = ['/bin/sh', '-c', 'echo 123 >/proc/self/oom_score_adj; exec "$@"', 'sh'];
      const output = await trial.output('cat /proc/self/oom_score_adj', undefined, { prefix });
      expectEqual(output, '123', 'oom_score_adj');
    },
  },
  {
    id: 'oom-score-adj-out-of-range',
    section: 'runtime.md#create',
    level: 'MUST',
    requirement: 'An oomScoreAdj that the kernel refuses is an error.',
    musts: [6],
    broken: { ignores: '/process/oomScoreAdj' },
    run: refuses('oomScoreAdj is above 1000', (config) => {
      config.process.oomScoreAdj = 2000;
    }),
  },
  {
    id: 'scheduler-policy',
    section,
    level: 'MUST',
    requirement: 'The scheduling policy of the process is scheduler.policy: SCHED_BATCH, 3.',
    broken: { ignores: '/process/scheduler' },
    run: prints(
      `${STAT} ${POLICY}`,
      (config) => {
        config.process.scheduler = { policy: 'SCHED_BATCH' };
      },
      '3',
    ),
  },
  {
    id: 'scheduler-nice',
    section,
    level: 'MUST',
    requirement: 'The nice value of the process is scheduler.nice.',
    broken: { ignores: '/process/scheduler' },
    run: prints(
      `${STAT} ${NICE}`,
      (config) => {
        config.process.scheduler = { policy: 'SCHED_OTHER', nice: 7 };
      },
      '7',
    ),
  },
  {
    id: 'scheduler-priority',
    section,
    level: 'MUST',
    requirement: 'With a real-time policy the static priority of the process is scheduler.priority.',
    broken: { ignores: '/process/scheduler' },
    run: prints(
      `${STAT} ${RT_PRIORITY},${POLICY}`,
      (config) => {
        config.process.scheduler = { policy: 'SCHED_RR', priority: 5 };
      },
      '5 2',
    ),
  },
  {
    id: 'scheduler-unknown-policy',
    section: 'config.md#valid-values',
    level: 'MUST',
    requirement: 'A scheduling policy that is not in the list is an error.',
    musts: [1],
    broken: { ignores: '/process/scheduler' },
    run: refuses('the policy is unknown', (config) => {
      config.process.scheduler = { policy: 'SCHED_NO_SUCH_THING' };
    }),
  },
  {
    id: 'io-priority',
    section,
    level: 'MUST',
    requirement: 'The I/O priority of the process is process.ioPriority.',
    broken: { ignores: '/process/ioPriority' },
    run: prints(
      'ionice -p $$',
      (config) => {
        config.process.ioPriority = { class: 'IOPRIO_CLASS_BE', priority: 6 };
      },
      'best-effort: prio 6',
    ),
  },
  {
    id: 'io-priority-unknown-class',
    section: 'config.md#valid-values',
    level: 'MUST',
    requirement: 'An I/O priority class that is not in the list is an error.',
    musts: [1],
    broken: { ignores: '/process/ioPriority' },
    run: refuses('the class is unknown', (config) => {
      config.process.ioPriority = { class: 'IOPRIO_CLASS_NO_SUCH_THING', priority: 0 };
    }),
  },
  {
    id: 'exec-cpu-affinity-final',
    section,
    level: 'SHOULD',
    requirement:
      'A process of exec runs on the CPUs of execCPUAffinity.final, the container process does not.',
    unless: ({ cpus: count }) => (count < 2 ? 'this host has one CPU' : undefined),
    broken: { ignores: '/process/execCPUAffinity' },
    async run(trial) {
      const container = await trial.running('taskset -p $$ | sed "s/.*: //"', (config) => {
        config.process.execCPUAffinity = { initial: '0', final: '0' };
      });
      const mask = ((1n << BigInt(cpus().length)) - 1n).toString(16);
      expectEqual(container.output.split('\n')[0], mask, 'the affinity of the container process');
      const result = await container.exec([
        'exec',
        container.id,
        'sh',
        '-c',
        'taskset -p $$ | sed "s/.*: //"',
      ]);
      expectEqual(expectSuccess(result).stdout.trim(), '1', 'the affinity of the process of exec');
    },
  },
  {
    id: 'apparmor-not-available',
    section: 'runtime.md#create',
    level: 'MUST',
    requirement: 'On a host without AppArmor, apparmorProfile cannot be applied, which is an error.',
    musts: [6],
    unless: ({ apparmor }) => (apparmor ? 'this host has AppArmor' : undefined),
    broken: { ignores: '/process/apparmorProfile' },
    run: refuses('there is no AppArmor', (config) => {
      config.process.apparmorProfile = 'a-profile';
    }),
  },
  {
    id: 'selinux-not-available',
    section: 'runtime.md#create',
    level: 'MUST',
    requirement: 'On a host without SELinux, selinuxLabel cannot be applied, which is an error.',
    musts: [6],
    unless: ({ selinux }) => (selinux ? 'this host has SELinux' : undefined),
    broken: { ignores: '/process/selinuxLabel' },
    run: refuses('there is no SELinux', (config) => {
      setAt(config, '/process/selinuxLabel', 'system_u:system_r:container_t:s0');
    }),
  },
];
