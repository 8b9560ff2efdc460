// config-linux.md#seccomp: what no filter may be.

import type { Check } from '../harness/check.ts';
import { setAt } from '../harness/json.ts';
import { ENOSPC_NUMBER, filtering, MKDIR, NATIVE } from '../harness/seccomp.ts';
import { refuses } from '../harness/shapes.ts';

const section = 'config-linux.md#seccomp';

/** Values that must be refused, with the place where they are. */
const INVALID: [id: string, what: string, at: string, value: string][] = [
  ['default-action', 'defaultAction', '/linux/seccomp/defaultAction', 'SCMP_ACT_NO_SUCH_THING'],
  ['action', 'action', '/linux/seccomp/syscalls/0/action', 'SCMP_ACT_NO_SUCH_THING'],
  ['operator', 'operator', '/linux/seccomp/syscalls/0/args/0/op', 'SCMP_CMP_NO_SUCH_THING'],
  ['architecture', 'architecture', '/linux/seccomp/architectures/0', 'SCMP_ARCH_NO_SUCH_THING'],
  ['flag', 'flag', '/linux/seccomp/flags/0', 'SECCOMP_FILTER_FLAG_NO_SUCH_THING'],
];

export const checks: Check[] = [
  ...INVALID.map(
    ([id, what, at, value]): Check => ({
      id: `seccomp-unknown-${id}`,
      section: 'config.md#valid-values',
      level: 'MUST',
      requirement: `A seccomp ${what} that is not in the list is an error.`,
      musts: [1],
      broken: { ignores: '/linux/seccomp' },
      run: refuses(`the ${what} is unknown`, (config) => {
        const args = [{ index: 1, value: 0, op: 'SCMP_CMP_EQ' }];
        config.linux.seccomp = {
          defaultAction: 'SCMP_ACT_ALLOW',
          architectures: [NATIVE],
          flags: ['SECCOMP_FILTER_FLAG_LOG'],
          syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO', args }],
        };
        if (id !== 'flag') delete config.linux.seccomp.flags;
        setAt(config, at, value);
      }),
    }),
  ),
  {
    id: 'seccomp-names-empty',
    section,
    level: 'MUST',
    requirement: 'A rule without a name is an error.',
    musts: [7],
    broken: { ignores: '/linux/seccomp' },
    run: refuses('names is empty', filtering({ names: [], action: 'SCMP_ACT_ERRNO' })),
  },
  {
    id: 'seccomp-errno-ret-unsupported',
    section,
    level: 'MUST',
    requirement: 'errnoRet for an action that has no error is an error of create.',
    musts: [8],
    broken: { ignores: '/linux/seccomp' },
    run: refuses(
      'the action has no errno',
      filtering({ names: MKDIR, action: 'SCMP_ACT_KILL_PROCESS', errnoRet: ENOSPC_NUMBER }),
    ),
  },
  {
    id: 'seccomp-default-errno-ret-unsupported',
    section,
    level: 'MUST',
    requirement: 'defaultErrnoRet for an action that has no error is an error of create.',
    musts: [1],
    broken: { ignores: '/linux/seccomp' },
    run: refuses('the default action has no errno', (config) => {
      const syscalls = [{ names: MKDIR, action: 'SCMP_ACT_ERRNO' }];
      config.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', defaultErrnoRet: ENOSPC_NUMBER, syscalls };
    }),
  },
];
