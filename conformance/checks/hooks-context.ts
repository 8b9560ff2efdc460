// config.md#startcontainer-hooks: in the container a hook is what the program is. It comes from the image, like the
// program, so that it may do no more.

import { chmodSync } from 'node:fs';
import type { Check } from '../harness/check.ts';
import { expect, expectEqual } from '../harness/expect.ts';
import { HookLog } from '../harness/hooks.ts';
import { filtering, MKDIR } from '../harness/seccomp.ts';
import type { Edit } from '../harness/trial.ts';

interface Context {
  id: string;
  what: string;
  edit: Edit;
  /** Prints what the hook and the program must have in common. */
  script: string;
}

const CONTEXTS: Context[] = [
  {
    id: 'user',
    what: 'the user and the groups',
    edit: (config) => {
      config.process.user = { uid: 1000, gid: 1001, additionalGids: [1002] };
    },
    script: 'id -u; id -g; id -G',
  },
  {
    id: 'capabilities',
    what: 'the capabilities',
    edit: () => {},
    script: 'grep ^Cap /proc/self/status',
  },
  {
    id: 'no-new-privileges',
    what: 'no_new_privs',
    edit: (config) => {
      config.process.noNewPrivileges = true;
    },
    script: 'grep ^NoNewPrivs /proc/self/status',
  },
  {
    id: 'seccomp',
    what: 'the filter',
    edit: filtering({ names: MKDIR, action: 'SCMP_ACT_ERRNO' }),
    script: 'grep ^Seccomp: /proc/self/status',
  },
];

export const checks: Check[] = CONTEXTS.map(({ id, what, edit, script }) => ({
  id: `hook-startContainer-${id}`,
  section: 'config.md#startcontainer-hooks',
  level: 'SHOULD',
  requirement: `startContainer hooks have ${what} of the program.`,
  broken: { moves: '/hooks/startContainer', to: '/hooks/createContainer' },
  async run(trial) {
    const log = new HookLog(trial);
    // Another user than root writes there as well.
    chmodSync(log.directory, 0o777);
    const container = await log.life(script, (config, bundle) => {
      edit(config, bundle);
      config.hooks.startContainer = [log.hook(`{ ${script}; } >$LOG/hook`)];
    });
    expect(container.output !== '', 'the program printed nothing');
    expectEqual(log.read('hook'), container.output, `what the hook has, beside the program,`);
  },
}));
