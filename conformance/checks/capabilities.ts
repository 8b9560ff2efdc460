// config.md#linux-process: capabilities and noNewPrivileges.

import type { Check } from '../harness/check.ts';
import { type Config, DEFAULT_CAPABILITIES } from '../harness/config.ts';
import { expect, expectEqual } from '../harness/expect.ts';
import { statusField } from '../harness/proc.ts';
import { prints } from '../harness/shapes.ts';
import type { Edit, Trial } from '../harness/trial.ts';

const section = 'config.md#linux-process';

/** Bits of linux/capability.h that the checks use. */
const BITS: Record<string, number> = {
  CAP_CHOWN: 0,
  CAP_KILL: 5,
  CAP_NET_BIND_SERVICE: 10,
  CAP_SYS_CHROOT: 18,
  CAP_SYS_RESOURCE: 24,
  CAP_AUDIT_WRITE: 29,
};

function maskOf(names: readonly string[]): string {
  const mask = names.reduce((sum, name) => sum | (1n << BigInt(BITS[name] ?? 0)), 0n);
  return mask.toString(16).padStart(16, '0');
}

/** A capability field of the program's /proc/self/status. */
async function capabilityField(trial: Trial, field: string, edit: Edit): Promise<string> {
  return statusField(await trial.output('cat /proc/self/status', edit), field);
}

/** An ordinary user, whose capabilities survive execve only as ambient ones: capabilities(7). */
function ordinaryUser(config: Config, names: string[]): void {
  config.process.user = { uid: 1000, gid: 1000 };
  config.process.capabilities = {
    bounding: names,
    effective: names,
    permitted: names,
    inheritable: names,
    ambient: names,
  };
}

const THREE = ['CAP_CHOWN', 'CAP_KILL', 'CAP_SYS_CHROOT'];

export const checks: Check[] = [
  {
    id: 'capabilities-bounding',
    section,
    level: 'MUST',
    requirement: 'The bounding set is the listed one.',
    broken: { ignores: '/process/capabilities/bounding/-1' },
    async run(trial) {
      const set = await capabilityField(trial, 'CapBnd', (config) => {
        config.process.capabilities.bounding = [...THREE];
        config.process.capabilities.permitted = [...THREE];
        config.process.capabilities.effective = [...THREE];
      });
      expectEqual(set, maskOf(THREE), 'CapBnd');
    },
  },
  ...(
    [
      ['effective', 'CapEff'],
      ['permitted', 'CapPrm'],
      ['inheritable', 'CapInh'],
      ['ambient', 'CapAmb'],
    ] as const
  ).map(
    ([name, field]): Check => ({
      id: `capabilities-${name}`,
      section,
      level: 'MUST',
      requirement: `The ${name} set is the listed one, here that of a user who is not root.`,
      broken: { ignores: `/process/capabilities/${name === 'inheritable' ? name : 'ambient'}/-1` },
      async run(trial) {
        expectEqual(
          await capabilityField(trial, field, (config) => ordinaryUser(config, [...THREE])),
          maskOf(THREE),
          field,
        );
      },
    }),
  ),
  {
    id: 'capabilities-root',
    section,
    level: 'MUST',
    requirement: 'The program of user 0 has the listed permitted and effective capabilities.',
    broken: { ignores: '/process/capabilities/bounding/-1' },
    async run(trial) {
      const status = await trial.output('cat /proc/self/status');
      expectEqual(statusField(status, 'CapPrm'), maskOf(DEFAULT_CAPABILITIES), 'CapPrm');
      expectEqual(statusField(status, 'CapEff'), maskOf(DEFAULT_CAPABILITIES), 'CapEff');
    },
  },
  {
    id: 'capabilities-not-listed',
    section,
    level: 'MUST',
    requirement: 'With empty sets the program has no capability, although the runtime has.',
    broken: { reads: '/process/capabilities/bounding', as: ['CAP_KILL'] },
    async run(trial) {
      const status = await trial.output('cat /proc/self/status', (config) => {
        config.process.capabilities = {};
      });
      for (const field of ['CapBnd', 'CapPrm', 'CapEff', 'CapInh', 'CapAmb']) {
        expectEqual(statusField(status, field), maskOf([]), field);
      }
    },
  },
  {
    id: 'capabilities-unknown',
    section,
    level: 'MUST',
    requirement: 'A capability that the kernel does not have is at most worth a warning.',
    musts: [1],
    also: ['runtime.md#warnings/1'],
    broken: { reads: '/process', as: {} },
    run: prints(
      'echo ran',
      (config) => {
        const { bounding, effective, permitted } = config.process.capabilities;
        for (const set of [bounding, effective, permitted]) set?.push('CAP_NO_SUCH_THING');
      },
      'ran',
    ),
  },
  {
    id: 'capabilities-cannot-be-granted',
    section,
    level: 'SHOULD',
    requirement: 'A capability that the runtime itself may not give is no reason to fail.',
    unless: ({ missingCapabilities }) =>
      missingCapabilities.includes(24) ? undefined : 'the runtime may give all capabilities here',
    broken: { reads: '/process', as: {} },
    async run(trial) {
      const status = await trial.output('cat /proc/self/status', (config) => {
        for (const set of Object.values(config.process.capabilities)) set.push('CAP_SYS_RESOURCE');
      });
      expectEqual(statusField(status, 'CapBnd'), maskOf(DEFAULT_CAPABILITIES), 'CapBnd');
    },
  },
  ...[true, false, undefined].map(
    (value): Check => ({
      id: `no-new-privileges-${value ?? 'unset'}`,
      section,
      level: 'MUST',
      requirement: `With noNewPrivileges ${value ?? 'unset'}, no_new_privs is ${value ? '' : 'not '}set.`,
      broken: { reads: '/process/noNewPrivileges', as: !value },
      async run(trial) {
        const status = await trial.output('cat /proc/self/status', (config) => {
          if (value !== undefined) config.process.noNewPrivileges = value;
        });
        expectEqual(statusField(status, 'NoNewPrivs'), value ? '1' : '0', 'NoNewPrivs');
        expect(status.length > 0, 'no status was printed');
      },
    }),
  ),
];
