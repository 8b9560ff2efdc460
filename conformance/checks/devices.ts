// config-linux.md#devices and #default-devices.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Check } from '../harness/check.ts';
import { type Device, useUserNamespace } from '../harness/config.ts';
import { expectEqual, expectMatch } from '../harness/expect.ts';
import { prints, refuses } from '../harness/shapes.ts';
import type { Edit } from '../harness/trial.ts';

/** Type, device numbers (in hexadecimal), mode and owner of a file. */
const STAT = 'stat -c "%F %t:%T %a %u:%g"';

/** Device numbers of Linux, admin-guide/devices.txt. */
const DEFAULTS: [name: string, numbers: string][] = [
  ['null', '1:3'],
  ['zero', '1:5'],
  ['full', '1:7'],
  ['random', '1:8'],
  ['urandom', '1:9'],
  ['tty', '5:0'],
];

const LOOP: Device = { type: 'b', path: '/dev/a-block', major: 7, minor: 5 };
const NULL: Device = { type: 'c', path: '/dev/a-char', major: 1, minor: 3 };

const having =
  (...devices: Device[]): Edit =>
  (config) => {
    config.linux.devices = devices;
  };

export const checks: Check[] = [
  ...DEFAULTS.map(
    ([name, numbers]): Check => ({
      id: `default-device-${name}`,
      section: 'config-linux.md#default-devices',
      level: 'MUST',
      requirement: `/dev/${name} is there without being configured, for everybody to read and write.`,
      musts: [1],
      broken: { sabotages: `rm /dev/${name}` },
      run: prints(
        `stat -c "%F %t:%T" /dev/${name}; test -r /dev/${name} && test -w /dev/${name} && echo usable`,
        (config) => {
          config.process.user = { uid: 1000, gid: 1000 };
        },
        `character special file ${numbers}\nusable`,
      ),
    }),
  ),
  {
    id: 'default-device-works',
    section: 'config-linux.md#default-devices',
    level: 'MUST',
    requirement: 'The default devices can be used, not only seen.',
    musts: [1],
    broken: { sabotages: 'rm /dev/zero; echo file >/dev/zero' },
    run: prints(
      'echo x >/dev/null; head -c 2 /dev/zero | od -An -tx1; head -c 5 /dev/urandom | wc -c; echo x >/dev/full; echo $?',
      (config) => {
        config.linux.resources = { devices: [{ allow: false, access: 'rwm' }] };
      },
      ' 00 00\n5\n1',
    ),
  },
  {
    id: 'default-device-ptmx',
    section: 'config-linux.md#default-devices',
    level: 'MUST',
    requirement: "/dev/ptmx is the container's own /dev/pts/ptmx, by a bind mount or a symbolic link.",
    musts: [1],
    broken: { sabotages: 'rm /dev/ptmx; mknod /dev/ptmx c 5 2' },
    run: prints(
      'stat -Lc %d:%i /dev/ptmx /dev/pts/ptmx | uniq | wc -l; stat -Lc %t:%T /dev/ptmx',
      () => {},
      '1\n5:2',
    ),
  },
  ...(
    [
      ['character', NULL, 'character special file 1:3 '],
      ['block', LOOP, 'block special file 7:5 '],
      ['unbuffered', { ...NULL, type: 'u' }, 'character special file 1:3 '],
      ['fifo', { type: 'p', path: '/dev/a-fifo' }, 'fifo 0:0 '],
      ['outside-dev', { ...NULL, path: '/some/where/else' }, 'character special file 1:3 '],
    ] as const
  ).map(
    ([id, device, wanted]): Check => ({
      id: `device-${id}`,
      section: 'config-linux.md#devices',
      level: 'MUST',
      requirement: `A listed device of type ${device.type} is available, here at ${device.path}.`,
      musts: [1],
      broken: { ignores: '/linux/devices/-1' },
      run: prints(`${STAT} ${device.path}`, having(device), new RegExp(`^${wanted}`)),
    }),
  ),
  {
    id: 'device-mode',
    section: 'config-linux.md#devices',
    level: 'MUST',
    requirement: 'fileMode is the mode of the device, whatever the umask.',
    musts: [1],
    broken: { reads: '/linux/devices/-1/fileMode', as: 0o640 },
    run: prints(`${STAT} /dev/a-char`, having({ ...NULL, fileMode: 0o626 }), / 626 0:0$/),
  },
  {
    id: 'device-owner',
    section: 'config-linux.md#devices',
    level: 'MUST',
    requirement: 'uid and gid are the owner and the group of the device.',
    musts: [1],
    broken: { ignores: '/linux/devices/-1/gid' },
    run: prints(`${STAT} /dev/a-char`, having({ ...NULL, fileMode: 0o600, uid: 12, gid: 34 }), / 600 12:34$/),
  },
  {
    id: 'device-user-namespace-default',
    section: 'config-linux.md#default-devices',
    level: 'MUST',
    requirement: 'The default devices are there, and work, in a user namespace too.',
    musts: [1],
    broken: { sabotages: 'umount /dev/null; rm /dev/null' },
    async run(trial) {
      const script =
        'for d in null zero full random urandom tty; do stat -c %t:%T /dev/$d; done; echo >/dev/null && echo ok';
      const output = await trial.output(script, (config) => useUserNamespace(config, 100_000));
      expectEqual(output.split('\n'), [...DEFAULTS.map(([, numbers]) => numbers), 'ok'], 'the output');
    },
  },
  ...(
    [
      ['same-path', '/dev/kmsg', 'under the path that it has on the host'],
      ['other-path', '/dev/another-name', 'under a path that the host does not have'],
    ] as const
  ).map(
    ([id, path, where]): Check => ({
      id: `device-user-namespace-${id}`,
      section: 'config-linux.md#devices',
      level: 'MUST',
      requirement: `In a user namespace, where nobody can make devices, a listed one is available ${where}.`,
      musts: [1],
      unless: () => (existsSync('/dev/kmsg') ? undefined : 'this host has no /dev/kmsg'),
      broken: { ignores: '/linux/devices/-1' },
      run: prints(
        `stat -c "%F %t:%T" ${path}`,
        (config) => {
          useUserNamespace(config, 100_000);
          config.linux.devices = [{ type: 'c', path, major: 1, minor: 11 }];
        },
        'character special file 1:b',
      ),
    }),
  ),
  {
    id: 'device-user-namespace-owner',
    section: 'config-linux.md#devices',
    level: 'MUST',
    requirement: 'In a user namespace fileMode, uid and gid are those of the device too, or it is an error.',
    musts: [1],
    broken: { ignores: '/linux/devices/-1/fileMode' },
    async run(trial) {
      const script = `${STAT} /dev/null`;
      const bundle = trial.bundle(script, (config) => {
        useUserNamespace(config, 100_000);
        config.linux.devices = [{ ...NULL, path: '/dev/null', fileMode: 0o600, uid: 12, gid: 34 }];
      });
      const container = trial.container(bundle);
      if ((await container.create()).code !== 0) return;
      await container.start();
      await container.exited();
      expectMatch(container.output.trimEnd(), / 600 12:34$/, `the output of \`${script}\``);
    },
  },
  {
    id: 'device-path-taken',
    section: 'config-linux.md#devices',
    level: 'MUST',
    requirement: 'A file at the path of a device that is not that device is an error.',
    musts: [2],
    broken: { ignores: '/linux/devices/-1' },
    run: refuses('a file is where the device is to be', (config, { rootfs }) => {
      mkdirSync(join(rootfs, 'some'));
      writeFileSync(join(rootfs, 'some', 'file'), 'content');
      config.linux.devices = [{ ...NULL, path: '/some/file' }];
    }),
  },
  {
    id: 'device-type-unknown',
    section: 'config.md#valid-values',
    level: 'MUST',
    requirement: 'A type of device that is not in the list is an error.',
    musts: [1],
    broken: { ignores: '/linux/devices/-1' },
    run: refuses('the type is unknown', having({ ...NULL, type: 'x' })),
  },
];
