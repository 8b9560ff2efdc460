// config-linux.md#namespaces, and the names that a UTS namespace has: config.md#hostname and #domainname.

import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Check } from '../harness/check.ts';
import { type NamespaceType, setNamespace } from '../harness/config.ts';
import { expect, expectEqual } from '../harness/expect.ts';
import { holdNamespaces } from '../harness/namespaces.ts';
import { namespaceFile, namespaceOf } from '../harness/proc.ts';
import { prints, refuses } from '../harness/shapes.ts';
import { WAIT } from '../harness/trial.ts';

const section = 'config-linux.md#namespaces';

/** Those that need nothing else in the configuration; user and time have checks of their own as well. */
const TYPES: NamespaceType[] = ['pid', 'network', 'mount', 'ipc', 'uts', 'cgroup', 'time'];

const JOINABLE: NamespaceType[] = ['pid', 'network', 'ipc', 'uts', 'cgroup', 'time', 'user'];

/** Where in the list of namespaces a check puts the one that it is about: last. */
const LAST = '/linux/namespaces/-1';

export const checks: Check[] = [
  ...TYPES.map(
    (type): Check => ({
      id: `namespace-new-${type}`,
      section,
      level: 'MUST',
      requirement: `Without path, the container process is in a new ${type} namespace.`,
      musts: [4],
      broken: { ignores: LAST },
      async run(trial) {
        const container = await trial.running('', (config) => setNamespace(config, type));
        const own = namespaceOf(container.pid, type);
        expect(own !== namespaceOf('self', type), `the ${type} namespace is that of the runtime`);
      },
    }),
  ),
  ...TYPES.filter((type) => type !== 'mount').map(
    (type): Check => ({
      id: `namespace-inherited-${type}`,
      section,
      level: 'MUST',
      requirement: `A container without ${type} in namespaces is in that of the runtime.`,
      musts: [5],
      broken: { reads: '/linux/namespaces/-1/type', as: type },
      async run(trial) {
        const container = await trial.running('', (config) => {
          setNamespace(config, type, null);
          // The one that a broken runtime takes for another.
          const other = type === 'ipc' ? 'uts' : 'ipc';
          setNamespace(config, other);
          config.mounts = config.mounts.filter(({ destination }) => destination !== '/dev/shm');
        });
        expectEqual(namespaceOf(container.pid, type), namespaceOf('self', type), `the ${type} namespace`);
      },
    }),
  ),
  ...JOINABLE.map(
    (type): Check => ({
      id: `namespace-path-${type}`,
      section,
      level: 'MUST',
      requirement: `With path, the container process is in that ${type} namespace.`,
      musts: [2],
      broken: type === 'user' ? { ignores: LAST } : { ignores: `${LAST}/path` },
      async run(trial) {
        const holder = await holdNamespaces(trial, [type]);
        const path = namespaceFile(holder.pid, type);
        // A user namespace owns what root in it may mount: the others must be new.
        const container = await trial.running('', (config) => setNamespace(config, type, path));
        expectEqual(namespaceOf(container.pid, type), namespaceOf(holder.pid, type), `the ${type} namespace`);
      },
    }),
  ),
  {
    id: 'namespace-path-mount',
    section,
    level: 'MUST',
    requirement: 'With path, the container process is in that mount namespace.',
    musts: [2],
    broken: { ignores: `${LAST}/path` },
    async run(trial) {
      const holder = await holdNamespaces(trial, ['mount'], 'mount --make-rprivate /');
      const path = namespaceFile(holder.pid, 'mount');
      const container = await trial.running('', (config) => setNamespace(config, 'mount', path));
      expectEqual(
        namespaceOf(container.pid, 'mount'),
        namespaceOf(holder.pid, 'mount'),
        'the mount namespace',
      );
    },
  },
  {
    id: 'namespace-path-wrong-type',
    section,
    level: 'MUST',
    requirement: 'A path to a namespace of another type is an error.',
    musts: [3],
    broken: { ignores: `${LAST}/path` },
    run: refuses('the path is that of another type', (config) => {
      setNamespace(config, 'ipc', namespaceFile('self', 'uts').replace('self', String(process.pid)));
    }),
  },
  {
    id: 'namespace-path-no-namespace',
    section,
    level: 'MUST',
    requirement: 'A path to a file that is no namespace is an error.',
    musts: [3],
    broken: { ignores: `${LAST}/path` },
    run: refuses('the path is that of a file', (config, { directory }) => {
      setNamespace(config, 'ipc', `${directory}/config.json`);
    }),
  },
  {
    id: 'namespace-path-missing',
    section,
    level: 'MUST',
    requirement: 'A path where nothing is, is an error.',
    musts: [3],
    broken: { ignores: `${LAST}/path` },
    run: refuses('the path does not exist', (config) => setNamespace(config, 'ipc', '/proc/self/ns/missing')),
  },
  {
    id: 'namespace-path-relative',
    section,
    level: 'MUST',
    requirement: 'A relative path is an error, even if it leads to a namespace.',
    musts: [1],
    broken: { ignores: `${LAST}/path` },
    async run(trial) {
      const path = `${process.pid}/ns/ipc`;
      await trial.refused('the path is relative', (config) => setNamespace(config, 'ipc', path), {
        cwd: '/proc',
      });
    },
  },
  {
    id: 'namespace-duplicate',
    section,
    level: 'MUST',
    requirement: 'Two entries of one type are an error.',
    musts: [6],
    broken: { ignores: LAST },
    run: refuses('a type is there twice', (config) => config.linux.namespaces.push({ type: 'uts' })),
  },
  {
    id: 'namespace-pid-first',
    section,
    level: 'MUST',
    requirement: 'In a new pid namespace the container process is number 1, and sees no process of the host.',
    also: ['config-linux.md#namespaces/4'],
    broken: { ignores: '/linux/namespaces/0' },
    run: prints('echo $$; ls -d /proc/[0-9]* | grep -c -v "^/proc/[1-9]$"', () => {}, '1\n0'),
  },
  {
    id: 'namespace-network-empty',
    section,
    level: 'MUST',
    requirement:
      'A new network namespace has its own network stack: no device but lo and those the kernel makes.',
    broken: { ignores: LAST },
    async run(trial) {
      const output = await trial.output(
        'grep -c "eth0\\|ens" /proc/net/dev; grep -c "lo:" /proc/net/dev',
        (config) => setNamespace(config, 'network'),
      );
      expectEqual(output, '0\n1', 'the numbers of devices');
    },
  },
  {
    id: 'namespace-mount-isolated',
    section,
    level: 'MUST',
    requirement: 'A mount in the container is not visible in the mount namespace of the runtime.',
    broken: { runs: 'mount -t tmpfs isolated $BUNDLE/rootfs/tmp', after: 'create' },
    async run(trial) {
      await trial.created(WAIT, (config) => {
        config.mounts.push({ destination: '/tmp', type: 'tmpfs', source: 'isolated' });
      });
      const visible = readFileSync('/proc/self/mountinfo', 'utf8').includes(' isolated ');
      expect(!visible, 'the host sees the mount of the container');
    },
  },
  {
    id: 'hostname',
    section: 'config.md#hostname',
    level: 'MUST',
    requirement: 'hostname is the name of the host in the container, and only there.',
    broken: { ignores: '/hostname' },
    async run(trial) {
      const before = hostname();
      const output = await trial.output('hostname; cat /proc/sys/kernel/hostname', (config) => {
        config.hostname = 'a-name.test';
      });
      expectEqual(output, 'a-name.test\na-name.test', 'the output');
      expectEqual(hostname(), before, 'the name of the host itself');
    },
  },
  {
    id: 'domainname',
    section: 'config.md#domainname',
    level: 'MUST',
    requirement: 'domainname is the NIS domain name in the container.',
    broken: { ignores: '/domainname' },
    run: prints(
      'cat /proc/sys/kernel/domainname',
      (config) => {
        config.domainname = 'domain.test';
      },
      'domain.test',
    ),
  },
];
