// config-linux.md#network-devices, with a pair of veth devices in a network namespace in which the runtime runs.

import { spawnSync } from 'node:child_process';
import type { Check } from '../harness/check.ts';
import { setNamespace } from '../harness/config.ts';
import { expect, expectEqual, expectMatch, expectSuccess } from '../harness/expect.ts';
import { type Holder, holdNamespaces } from '../harness/namespaces.ts';
import { namespaceFile } from '../harness/proc.ts';
import type { Edit, Trial } from '../harness/trial.ts';

const section = 'config-linux.md#network-devices';
const ADDRESS = '192.0.2.7/24';
const ADDRESS_6 = '2001:db8::7/64';

/** A namespace with a device v0 that has addresses, and its peer v1. */
function deviceHolder(trial: Trial): Promise<Holder> {
  return holdNamespaces(
    trial,
    ['network'],
    `ip link add v0 type veth peer name v1; ip addr add ${ADDRESS} dev v0; ip addr add ${ADDRESS_6} dev v0 nodad`,
  );
}

/** What `ip ARGS` prints in a namespace. */
function ip({ prefix }: Holder, ...args: string[]): string {
  const [file = '', ...rest] = prefix;
  return spawnSync(file, [...rest, 'ip', ...args], { encoding: 'utf8', timeout: 10_000 }).stdout;
}

const moving =
  (devices: Record<string, { name?: string }>): Edit =>
  (config) => {
    config.linux.netDevices = devices;
  };

/** What a script prints in a container that the devices are moved to. */
async function outputWith(
  trial: Trial,
  script: string,
  devices: Record<string, { name?: string }>,
): Promise<string> {
  const { prefix } = await deviceHolder(trial);
  return trial.output(script, moving(devices), { prefix });
}

const NAMES = "ip -o link | cut -d: -f2 | cut -d@ -f1 | tr -d ' ' | sort";
const IGNORED = { ignores: '/linux/netDevices' };

export const checks: Check[] = [
  {
    id: 'net-device-moved',
    section,
    level: 'MUST',
    requirement:
      'A listed device is in the network namespace of the container, and no more in that of the runtime.',
    musts: [1],
    broken: IGNORED,
    async run(trial) {
      const holder = await deviceHolder(trial);
      const container = await trial.running(NAMES, moving({ v0: {} }), { prefix: holder.prefix });
      expectMatch(container.output, /\bv0\b/, 'the list of devices in the container');
      expect(!ip(holder, 'link').includes(' v0@'), 'the device is still in the namespace of the runtime');
    },
  },
  {
    id: 'net-device-renamed',
    section,
    level: 'MUST',
    requirement: 'With name, the device has that name in the container.',
    musts: [1],
    broken: { ignores: '/linux/netDevices/v0/name' },
    async run(trial) {
      const names = await outputWith(trial, NAMES, { v0: { name: 'renamed' } });
      expectMatch(names, /\brenamed\b/, 'the list of devices in the container');
      expect(!/\bv0\b/.test(names), 'the device has its old name');
    },
  },
  {
    id: 'net-device-missing',
    section,
    level: 'MUST',
    requirement: 'A device that the runtime cannot move, since there is none of that name, is an error.',
    musts: [2],
    broken: IGNORED,
    async run(trial) {
      const { prefix } = await deviceHolder(trial);
      await trial.refused('there is no such device', moving({ missing0: {} }), { prefix });
    },
  },
  {
    id: 'net-device-name-taken',
    section,
    level: 'MUST',
    requirement: 'A name that a device in the container has already is an error.',
    musts: [2, 3],
    broken: IGNORED,
    async run(trial) {
      const { prefix } = await deviceHolder(trial);
      await trial.refused('the name is that of another device', moving({ v0: { name: 'lo' } }), { prefix });
    },
  },
  {
    id: 'net-device-template',
    section,
    level: 'MUST',
    requirement: 'A name that ends with %d is a template, for which the kernel finds a number that is free.',
    musts: [4],
    broken: { ignores: '/linux/netDevices/v0/name' },
    async run(trial) {
      const names = await outputWith(trial, NAMES, { v0: { name: 'dev%d' } });
      expectMatch(names, /\bdev0\b/, 'the list of devices in the container');
    },
  },
  ...(
    [
      ['ipv4', ADDRESS],
      ['ipv6', ADDRESS_6],
    ] as const
  ).map(
    ([id, address]): Check => ({
      id: `net-device-address-${id}`,
      section,
      level: 'MUST',
      requirement: `The device keeps its permanent addresses of global scope, here one of ${id}.`,
      musts: [5],
      broken: IGNORED,
      async run(trial) {
        const output = await outputWith(trial, 'ip addr', { v0: {} });
        expect(output.includes(` ${address} `), `the addresses are ${output}`);
      },
    }),
  ),
  {
    id: 'net-device-attributes',
    section,
    level: 'MUST',
    requirement: 'The device keeps its other attributes: here its MTU and its hardware address.',
    musts: [5],
    broken: IGNORED,
    async run(trial) {
      const holder = await deviceHolder(trial);
      ip(holder, 'link', 'set', 'v0', 'mtu', '1234', 'address', '02:00:00:00:00:07');
      const output = await trial.output('ip link', moving({ v0: { name: 'kept' } }), {
        prefix: holder.prefix,
      });
      expectMatch(output, /kept.* mtu 1234 /, 'the MTU');
      expectMatch(output, /02:00:00:00:00:07/, 'the hardware address');
    },
  },
  {
    id: 'net-device-up',
    section,
    level: 'MUST',
    requirement: 'The device is up in the container.',
    musts: [6],
    broken: IGNORED,
    async run(trial) {
      const output = await outputWith(trial, 'ip -o link', { v0: {} });
      expectMatch(output, /v0[^<\n]*<[^>]*\bUP\b/, 'the devices');
    },
  },
  {
    id: 'net-device-stays',
    section: 'config-linux.md#namespace-lifecycle-and-container-termination',
    level: 'MUST',
    requirement:
      'When the container is deleted, the device stays in the network namespace that it was moved to.',
    musts: [2],
    broken: { runs: 'nsenter --net=$TARGET ip link set v0 netns $OWNER', after: 'delete' },
    async run(trial) {
      const holder = await deviceHolder(trial);
      const target = await holdNamespaces(trial, ['network']);
      const container = await trial.stopped(
        'true',
        (config, bundle) => {
          setNamespace(config, 'network', namespaceFile(target.pid, 'network'));
          moving({ v0: {} })(config, bundle);
        },
        {
          prefix: holder.prefix,
          env: { TARGET: namespaceFile(target.pid, 'network'), OWNER: String(holder.pid) },
        },
      );
      expectSuccess(await container.delete());
      expectEqual(ip(target, 'link').includes(' v0@'), true, 'presence of the device in its namespace');
      expectEqual(ip(holder, 'link').includes(' v0@'), false, 'presence of the device where it was before');
    },
  },
];
