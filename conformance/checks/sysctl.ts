// config-linux.md#sysctl: kernel parameters are those of the container, never those of the host.

import { readFileSync } from 'node:fs';
import type { Check } from '../harness/check.ts';
import { setNamespace, useUserNamespace } from '../harness/config.ts';
import { expect, expectEqual } from '../harness/expect.ts';
import { namespaceFile } from '../harness/proc.ts';
import { refuses } from '../harness/shapes.ts';

const section = 'config-linux.md#sysctl';

/** A type of namespace, a parameter that each namespace of it has, and a value unlike the usual one. */
const PARAMETERS = [
  ['network', 'net.ipv4.ip_default_ttl', '55'],
  ['ipc', 'kernel.shm_rmid_forced', '1'],
  ['uts', 'kernel.domainname', 'example.org'],
  ['user', 'user.max_pid_namespaces', '77'],
] as const;

/** What a parameter is on the host. A runtime that is wrong enough to set that does no damage. */
function valueOnHost(name: string): string {
  return readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8').trim();
}

export const checks: Check[] = [
  ...PARAMETERS.map(
    ([id, name, value]): Check => ({
      id: `sysctl-${id}`,
      section,
      level: 'MUST',
      requirement: `A kernel parameter of the ${id} namespace has the configured value there, and only there.`,
      broken: { ignores: `/linux/sysctl/${name}` },
      async run(trial) {
        const file = `/proc/sys/${name.replaceAll('.', '/')}`;
        const before = valueOnHost(name);
        const output = await trial.output(`cat ${file}`, (config) => {
          if (id === 'user') useUserNamespace(config, 100_000);
          config.linux.sysctl = { [name]: value };
        });
        expectEqual(output, value, name);
        expectEqual(valueOnHost(name), before, `${name} of the host`);
        expect(before !== value, `${name} of the host has the value to set`);
      },
    }),
  ),
  ...PARAMETERS.map(
    ([type, name]): Check => ({
      id: `sysctl-${type}-without-namespace`,
      section,
      level: 'SHOULD',
      requirement: `A kernel parameter of the ${type} namespace is an error when the container has none of its own.`,
      broken: { ignores: '/linux/sysctl' },
      run: refuses(`${name} would be set for the host`, (config) => {
        setNamespace(config, type, null);
        config.linux.sysctl = { [name]: valueOnHost(name) };
      }),
    }),
  ),
  // Nobody can join the user namespace that he is in.
  ...PARAMETERS.filter(([type]) => type !== 'user').map(
    ([type, name]): Check => ({
      id: `sysctl-${type}-namespace-of-host`,
      section,
      level: 'SHOULD',
      requirement: `The same when the path of the ${type} namespace is that of the runtime's own.`,
      broken: { ignores: '/linux/sysctl' },
      run: refuses(`${name} would be set for the host`, (config) => {
        setNamespace(config, type, namespaceFile(process.pid, type));
        config.linux.sysctl = { [name]: valueOnHost(name) };
      }),
    }),
  ),
  {
    id: 'sysctl-unknown',
    section: 'runtime.md#create',
    level: 'MUST',
    requirement: 'A kernel parameter that does not exist is an error.',
    musts: [6],
    broken: { ignores: '/linux/sysctl' },
    run: refuses('there is no such parameter', (config) => {
      config.linux.sysctl = { 'net.no_such_thing': '1' };
    }),
  },
  {
    id: 'sysctl-invalid-value',
    section: 'runtime.md#create',
    level: 'MUST',
    requirement: 'A value that the kernel refuses for a parameter is an error.',
    musts: [6],
    broken: { ignores: '/linux/sysctl' },
    run: refuses('the value is no number', (config) => {
      config.linux.sysctl = { 'net.ipv4.ip_default_ttl': 'not-a-number' };
    }),
  },
];
