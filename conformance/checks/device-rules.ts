// config-linux.md#allowed-device-list. A device of a driver that does not exist shows what a rule does: opening it
// fails with ENXIO where it is allowed, and with EPERM where it is not.

import type { Check } from '../harness/check.ts';
import type { Resources } from '../harness/config.ts';
import { expectEqual, expectSuccess } from '../harness/expect.ts';
import { prints } from '../harness/shapes.ts';
import type { Edit } from '../harness/trial.ts';

type Rule = NonNullable<Resources['devices']>[number];

const [MAJOR, MINOR] = [10, 251];
const DENY_ALL: Rule = { allow: false, access: 'rwm' };
const ALLOW: Rule = { allow: true, type: 'c', major: MAJOR, minor: MINOR, access: 'rw' };

/** Opens the device to read and to write, and says for each whether a rule forbade it. */
const OPEN = `for mode in '</dev/it' '>/dev/it'; do
  case "$(eval "exec 3$mode" 2>&1)" in *permitted*) echo denied;; *) echo allowed;; esac
done`;

const ruled =
  (...rules: Rule[]): Edit =>
  (config) => {
    config.linux.devices = [{ type: 'c', path: '/dev/it', major: MAJOR, minor: MINOR, fileMode: 0o666 }];
    config.linux.resources = { devices: rules };
  };

const [RULES, LAST] = ['/linux/resources/devices', '/linux/resources/devices/-1'];

interface Case {
  id: string;
  requirement: string;
  musts?: number[];
  rules: Rule[];
  wanted: string;
  /** cgroup v1 cannot express the rules, so that an error of create is right as well. */
  mayBeRefused?: boolean;
  broken: Check['broken'];
}

const CASES: Case[] = [
  {
    id: 'deny',
    requirement: 'A rule with allow false denies access.',
    rules: [DENY_ALL],
    wanted: 'denied\ndenied',
    broken: { reads: `${RULES}/0/allow`, as: true },
  },
  {
    id: 'allow',
    requirement: 'A rule with allow true allows access.',
    rules: [DENY_ALL, ALLOW],
    wanted: 'allowed\nallowed',
    broken: { ignores: LAST },
  },
  {
    id: 'order',
    requirement: 'Rules are applied in the listed order: here what is allowed first is denied then.',
    musts: [1],
    rules: [ALLOW, DENY_ALL],
    wanted: 'denied\ndenied',
    broken: { reverses: RULES },
  },
  {
    id: 'order-three',
    requirement:
      'Rules are applied in the listed order: here one device of an allowed major number is denied.',
    musts: [1],
    rules: [DENY_ALL, { allow: true, type: 'c', major: MAJOR, access: 'rw' }, { ...ALLOW, allow: false }],
    wanted: 'denied\ndenied',
    mayBeRefused: true,
    broken: { ignores: LAST },
  },
  {
    id: 'access',
    requirement: 'A rule is about the kinds of access that it lists: here reading only.',
    rules: [DENY_ALL, { ...ALLOW, access: 'r' }],
    wanted: 'allowed\ndenied',
    broken: { reads: `${LAST}/access`, as: 'rw' },
  },
  {
    id: 'minor-unset',
    requirement: 'A rule without minor is about all minor numbers.',
    rules: [DENY_ALL, { allow: true, type: 'c', major: MAJOR, access: 'rw' }],
    wanted: 'allowed\nallowed',
    broken: { reads: `${LAST}/minor`, as: 0 },
  },
  {
    id: 'other-minor',
    requirement: 'A rule is about no other minor number.',
    rules: [DENY_ALL, { ...ALLOW, minor: MINOR + 1 }],
    wanted: 'denied\ndenied',
    broken: { ignores: `${LAST}/minor` },
  },
  {
    id: 'other-type',
    requirement: 'A rule for block devices is not about character devices.',
    rules: [DENY_ALL, { ...ALLOW, type: 'b' }],
    wanted: 'denied\ndenied',
    broken: { reads: `${LAST}/type`, as: 'c' },
  },
  {
    id: 'type-unset',
    requirement: 'A rule without type and numbers is about all devices.',
    rules: [DENY_ALL, { allow: true, access: 'rwm' }],
    wanted: 'allowed\nallowed',
    broken: { ignores: LAST },
  },
];

export const checks: Check[] = [
  ...CASES.map(
    ({ id, requirement, musts = [], rules, wanted, mayBeRefused = false, broken }): Check => ({
      id: `device-rule-${id}`,
      section: 'config-linux.md#allowed-device-list',
      level: 'MUST',
      requirement,
      musts,
      broken,
      async run(trial) {
        const container = trial.container(trial.bundle(OPEN, ruled(...rules)));
        const created = await container.create();
        if (mayBeRefused && created.code !== 0) return;
        expectSuccess({ ...created, stderr: container.errors });
        expectSuccess(await container.start());
        await container.exited();
        expectEqual(container.output.trim(), wanted, 'access to read and to write');
      },
    }),
  ),
  ...[true, false].map(
    (allow): Check => ({
      id: `device-rule-mknod-${allow ? 'allowed' : 'denied'}`,
      section: 'config-linux.md#allowed-device-list',
      level: 'MUST',
      requirement: `A device can${allow ? '' : 'not'} be made with${allow ? '' : 'out'} m among its access.`,
      // Some runtimes let everybody make devices, whatever the rules: without the capability nobody can.
      broken: allow
        ? { ignores: '/process/capabilities/bounding/-1' }
        : { reads: `${LAST}/access`, as: 'rwm' },
      run: prints(
        `mknod /tmp/made c ${MAJOR} ${MINOR} && echo made; true`,
        (config, bundle) => {
          ruled(DENY_ALL, { ...ALLOW, access: allow ? 'rwm' : 'rw' })(config, bundle);
          for (const set of Object.values(config.process.capabilities)) set.push('CAP_MKNOD');
        },
        allow ? 'made' : '',
      ),
    }),
  ),
];
