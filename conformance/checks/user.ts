// config.md#posix-platform-user: the identity of the process.

import type { Check } from '../harness/check.ts';
import { expectEqual, expectMatch } from '../harness/expect.ts';
import { statusField } from '../harness/proc.ts';
import { prints } from '../harness/shapes.ts';

const section = 'config.md#posix-platform-user';

export const checks: Check[] = [
  {
    id: 'user-uid',
    section,
    level: 'MUST',
    requirement: 'All user IDs of the process are process.user.uid.',
    broken: { reads: '/process/user/uid', as: 0 },
    async run(trial) {
      const status = await trial.output('cat /proc/self/status', (config) => {
        config.process.user.uid = 1234;
      });
      expectEqual(statusField(status, 'Uid'), '1234\t1234\t1234\t1234', 'Uid');
    },
  },
  {
    id: 'user-gid',
    section,
    level: 'MUST',
    requirement: 'All group IDs of the process are process.user.gid.',
    broken: { reads: '/process/user/gid', as: 0 },
    async run(trial) {
      const status = await trial.output('cat /proc/self/status', (config) => {
        config.process.user.gid = 2345;
      });
      expectEqual(statusField(status, 'Gid'), '2345\t2345\t2345\t2345', 'Gid');
    },
  },
  {
    id: 'user-additional-gids',
    section,
    level: 'MUST',
    requirement: 'The supplementary groups of the process are process.user.additionalGids.',
    broken: { ignores: '/process/user/additionalGids/-1' },
    async run(trial) {
      const status = await trial.output('cat /proc/self/status', (config) => {
        config.process.user = { uid: 1234, gid: 2345, additionalGids: [3456, 4567] };
      });
      expectMatch(statusField(status, 'Groups'), /^(2345 )?3456 4567$/, 'Groups');
    },
  },
  {
    id: 'user-no-additional-gids',
    section,
    level: 'MUST',
    requirement: 'Without additionalGids the process keeps none of the groups of the runtime.',
    broken: { reads: '/process/user/additionalGids', as: [3456] },
    async run(trial) {
      const status = await trial.output('cat /proc/self/status', undefined, {
        prefix: ['setpriv', '--groups', '3456'],
      });
      expectMatch(statusField(status, 'Groups'), /^0?$/, 'Groups');
    },
  },
  {
    id: 'user-umask',
    section,
    level: 'MUST',
    requirement: 'The umask of the process is process.user.umask.',
    broken: { ignores: '/process/user/umask' },
    run: prints(
      'umask',
      (config) => {
        config.process.user.umask = 0o137;
      },
      '0137',
    ),
  },
  {
    id: 'user-umask-inherited',
    section,
    level: 'SHOULD',
    requirement: 'Without process.user.umask the process has the umask of the caller of the runtime.',
    broken: { reads: '/process/user/umask', as: 0o22 },
    async run(trial) {
      const prefix = ['/bin/sh', '-c', 'umask 0027; exec "$@"', 'sh'];
      expectEqual(await trial.output('umask', undefined, { prefix }), '0027', 'umask');
    },
  },
];
