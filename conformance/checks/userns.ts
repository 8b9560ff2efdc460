// config-linux.md#user-namespace-mappings and #offset-for-time-namespace.

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Check } from '../harness/check.ts';
import { setNamespace, useUserNamespace } from '../harness/config.ts';
import { expect, expectEqual, expectMatch } from '../harness/expect.ts';
import { holdNamespaces } from '../harness/namespaces.ts';
import { namespaceFile, namespaceOf, statusField } from '../harness/proc.ts';
import { refuses } from '../harness/shapes.ts';

const section = 'config-linux.md#user-namespace-mappings';
const HOST_ID = 100_000;

/** The columns of a mapping, with single spaces. */
function columns(text: string): string {
  return text.trim().replace(/ +/g, ' ').replace(/\n /g, '\n');
}

function timeCheck(clock: 'monotonic' | 'boottime', read: string): Check {
  return {
    id: `time-offset-${clock}`,
    section: 'config-linux.md#offset-for-time-namespace',
    level: 'MUST',
    requirement: `timeOffsets.${clock} is how far that clock of the container is ahead.`,
    broken: { ignores: '/linux/timeOffsets' },
    async run(trial) {
      const output = await trial.output(`${read}; cat /proc/self/timens_offsets`, (config) => {
        setNamespace(config, 'time');
        config.linux.timeOffsets = { [clock]: { secs: 1_000_000, nanosecs: 500_000 } };
      });
      expectMatch(output, new RegExp(`^${clock} +1000000 +500000$`, 'm'), 'the offsets');
      if (clock === 'boottime') {
        const ahead = Number.parseFloat(output) - Number.parseFloat(readFileSync('/proc/uptime', 'utf8'));
        expect(Math.abs(ahead - 1_000_000) < 60, `/proc/uptime is ${ahead} s ahead`);
      }
    },
  };
}

export const checks: Check[] = [
  {
    id: 'user-namespace-new',
    section: 'config-linux.md#namespaces',
    level: 'MUST',
    requirement: 'With user in namespaces, the container process is in a new user namespace.',
    musts: [4],
    broken: {
      all: [
        { ignores: '/linux/namespaces/-1' },
        { ignores: '/linux/uidMappings' },
        { ignores: '/linux/gidMappings' },
      ],
    },
    async run(trial) {
      const container = await trial.running('', (config) => useUserNamespace(config, HOST_ID));
      const own = namespaceOf(container.pid, 'user');
      expect(own !== namespaceOf('self', 'user'), 'the user namespace is that of the runtime');
      const others = (['pid', 'network', 'ipc', 'uts', 'mount'] as const).filter(
        (type) => namespaceOf(container.pid, type) === namespaceOf('self', type),
      );
      expectEqual(others, [], 'the list of namespaces that are not new');
    },
  },
  ...(['uid', 'gid'] as const).map(
    (kind): Check => ({
      id: `user-namespace-${kind}-mappings`,
      section,
      level: 'MUST',
      requirement: `${kind}Mappings are the mappings of the user namespace, all of them.`,
      broken: { ignores: `/linux/${kind}Mappings/-1` },
      async run(trial) {
        const output = await trial.output(`cat /proc/self/${kind}_map`, (config) => {
          useUserNamespace(config, HOST_ID, 1000);
          config.linux[`${kind}Mappings`]?.push({ containerID: 2000, hostID: HOST_ID + 5000, size: 10 });
        });
        expectEqual(columns(output), `0 ${HOST_ID} 1000\n2000 ${HOST_ID + 5000} 10`, `${kind}_map`);
      },
    }),
  ),
  {
    id: 'user-namespace-process',
    section,
    level: 'MUST',
    requirement: 'process.user is a user of the container, which the host sees as mapped.',
    broken: { reads: '/process/user/uid', as: 0 },
    async run(trial) {
      const container = await trial.running('id -u; id -g', (config) => {
        useUserNamespace(config, HOST_ID);
        config.process.user = { uid: 7, gid: 8 };
      });
      expectEqual(container.output, '7\n8\nready\n', 'what the container sees');
      const status = readFileSync(`/proc/${container.pid}/status`, 'utf8');
      expectEqual(
        statusField(status, 'Uid').split('\t')[0],
        String(HOST_ID + 7),
        'the user that the host sees',
      );
      expectEqual(
        statusField(status, 'Gid').split('\t')[0],
        String(HOST_ID + 8),
        'the group that the host sees',
      );
    },
  },
  {
    id: 'user-namespace-keeps-owners',
    section,
    level: 'SHOULD',
    requirement: 'The owners of the files in the root filesystem stay as they are.',
    broken: { runs: `chown ${HOST_ID} $BUNDLE/rootfs/bin/sh $BUNDLE/rootfs/tmp`, after: 'create' },
    async run(trial) {
      const container = await trial.stopped('true', (config) => useUserNamespace(config, HOST_ID));
      const { rootfs } = container.bundle;
      const owners = ['tmp', 'bin', 'bin/busybox'].map((name) => statSync(join(rootfs, name)).uid);
      expectEqual(owners, [0, 0, 0], 'the list of owners');
    },
  },
  {
    id: 'user-namespace-root-capabilities',
    section,
    level: 'MUST',
    requirement: 'Root of the user namespace has the listed capabilities there.',
    broken: { ignores: '/process/capabilities/bounding/-1' },
    async run(trial) {
      const output = await trial.output('mount -t tmpfs tmpfs /tmp && echo mounted', (config) => {
        useUserNamespace(config, HOST_ID);
        for (const set of Object.values(config.process.capabilities)) set.push('CAP_SYS_ADMIN');
      });
      expectEqual(output, 'mounted', 'the output');
    },
  },
  {
    id: 'user-namespace-mapping-invalid',
    section: 'runtime.md#create',
    level: 'MUST',
    requirement: 'Mappings that overlap, which the kernel refuses, are an error.',
    musts: [6],
    broken: { ignores: '/linux/uidMappings/-1' },
    run: refuses('two mappings overlap', (config) => {
      useUserNamespace(config, HOST_ID);
      config.linux.uidMappings?.push({ containerID: 10, hostID: HOST_ID + 10, size: 5 });
    }),
  },
  timeCheck('monotonic', 'true'),
  timeCheck('boottime', 'cat /proc/uptime'),
  {
    id: 'time-offset-joined',
    section: 'config-linux.md#namespaces',
    level: 'MUST',
    requirement: 'A container that joins a time namespace has the clocks of that.',
    musts: [2],
    broken: { ignores: '/linux/namespaces/-1/path' },
    async run(trial) {
      // The offsets must be there before the first process is: unshare(1) --boottime.
      const holder = await holdNamespaces(trial, ['time'], ':', ['--boottime', '2000000']);
      const output = await trial.output('cat /proc/uptime', (config) =>
        setNamespace(config, 'time', namespaceFile(holder.pid, 'time')),
      );
      expect(Number.parseFloat(output) > 2_000_000, `/proc/uptime is ${output}`);
    },
  },
];
