// config.md#mounts: what is mounted where, and in which order.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Check } from '../harness/check.ts';
import type { Mount } from '../harness/config.ts';
import { expect, expectEqual } from '../harness/expect.ts';
import { mountAt, parseMountInfo } from '../harness/proc.ts';
import { prints, refuses } from '../harness/shapes.ts';
import type { Edit } from '../harness/trial.ts';

const section = 'config.md#mounts';

const tmpfs = (destination: string, source: string): Mount => ({ destination, type: 'tmpfs', source });

/** Prints the source of each mount at or below /tmp, from the bottom to the top. */
const SOURCES = `sed -n 's,.* /tmp[^ ]* .* - tmpfs \\([^ ]*\\) .*,\\1,p' /proc/self/mountinfo`;

const mounting =
  (...mounts: Mount[]): Edit =>
  (config) => {
    config.mounts.push(...mounts);
  };

export const checks: Check[] = [
  {
    id: 'mounts-all',
    section,
    level: 'MUST',
    requirement: 'Every entry of mounts is mounted, of its type and with its source.',
    also: ['runtime.md#create/4'],
    broken: { ignores: '/mounts/-1' },
    async run(trial) {
      const output = await trial.output('cat /proc/self/mountinfo', mounting(tmpfs('/tmp', 'some-name')));
      const mounts = parseMountInfo(output);
      for (const [point, type] of [
        ['/proc', 'proc'],
        ['/dev', 'tmpfs'],
        ['/dev/pts', 'devpts'],
        ['/dev/shm', 'tmpfs'],
        ['/tmp', 'tmpfs'],
      ] as const) {
        expectEqual(mountAt(mounts, point).type, type, `the type of ${point}`);
      }
      expectEqual(mountAt(mounts, '/tmp').source, 'some-name', 'the source of /tmp');
    },
  },
  {
    id: 'mounts-order',
    section,
    level: 'MUST',
    requirement: 'Mounts on one destination are made in the listed order: the last is on top.',
    musts: [1],
    broken: { reads: '/mounts/-1/source', as: 'first' },
    run: prints(SOURCES, mounting(tmpfs('/tmp', 'first'), tmpfs('/tmp', 'second')), 'first\nsecond'),
  },
  {
    id: 'mounts-order-nested',
    section,
    level: 'MUST',
    requirement: 'A mount below another one that is listed before it is visible in it.',
    musts: [1],
    broken: {
      all: [
        { reads: '/mounts/-2/destination', as: '/tmp/below' },
        { reads: '/mounts/-1/destination', as: '/tmp' },
      ],
    },
    run: prints(
      'ls -a /tmp',
      mounting(tmpfs('/tmp', 'first'), tmpfs('/tmp/below', 'second')),
      '.\n..\nbelow',
    ),
  },
  {
    id: 'mounts-order-hidden',
    section,
    level: 'MUST',
    requirement: 'A mount hides those below it that are listed before it.',
    musts: [1],
    broken: {
      all: [
        { reads: '/mounts/-2/destination', as: '/tmp' },
        { reads: '/mounts/-1/destination', as: '/tmp/below' },
      ],
    },
    run: prints('ls -a /tmp', mounting(tmpfs('/tmp/below', 'first'), tmpfs('/tmp', 'second')), '.\n..'),
  },
  {
    id: 'mounts-order-source',
    section,
    level: 'MUST',
    requirement:
      'What a mount puts into the root filesystem can be the source of a bind mount listed after it.',
    musts: [1],
    broken: { ignores: '/mounts/-2' },
    async run(trial) {
      const source = trial.makeDirectory('source');
      trial.write('source/file', 'from the host');
      const output = await trial.output('cat /file', (config, { rootfs }) => {
        config.mounts.push(
          { destination: '/tmp', source, options: ['bind'] },
          { destination: '/file', source: join(rootfs, 'tmp', 'file'), options: ['bind'] },
        );
      });
      expectEqual(output, 'from the host', 'the output');
    },
  },
  {
    id: 'mounts-order-read-only',
    section,
    level: 'MUST',
    requirement:
      'A filesystem that is mounted read-only has in it what is mounted below it, and the default devices.',
    musts: [1],
    broken: { ignores: '/mounts/-1' },
    run: prints(
      'test -c /dev/null && touch /dev/below/file && ! touch /dev/file 2>/dev/null && echo well',
      (config) => {
        for (const { destination, options } of config.mounts) if (destination === '/dev') options?.push('ro');
        config.mounts.push(tmpfs('/dev/below', 'tmpfs'));
      },
      'well',
    ),
  },
  ...(
    [
      ['bind-directory', 'A directory of the host is bind-mounted with bind.', 4],
      ['rbind-directory', 'A directory of the host is bind-mounted with rbind.', 23],
    ] as const
  ).map(
    ([id, requirement, must]): Check => ({
      id: `mount-option-${id}`,
      section: 'config.md#linux-mount-options',
      level: 'MUST',
      requirement,
      musts: [must],
      broken: { ignores: '/mounts/-1' },
      async run(trial) {
        const source = trial.makeDirectory('source');
        trial.write('source/file', 'from the host');
        const options = [id === 'bind-directory' ? 'bind' : 'rbind'];
        const output = await trial.output(
          'cat /tmp/file; echo back >/tmp/answer',
          mounting({ destination: '/tmp', source, options }),
        );
        expectEqual(output, 'from the host', 'the output');
        expectEqual(readdirSync(source).sort(), ['answer', 'file'], 'the list of files on the host');
      },
    }),
  ),
  {
    id: 'mounts-bind-file',
    section,
    level: 'MUST',
    requirement: 'A file of the host can be bind-mounted on a file.',
    broken: { ignores: '/mounts/-1' },
    async run(trial) {
      const source = trial.write('source', 'from the host');
      const output = await trial.output('cat /file', (config, { rootfs }) => {
        writeFileSync(join(rootfs, 'file'), 'below');
        config.mounts.push({ destination: '/file', type: 'none', source, options: ['bind'] });
      });
      expectEqual(output, 'from the host', 'the output');
    },
  },
  {
    id: 'mounts-bind-relative-source',
    section,
    level: 'MUST',
    requirement: 'A relative source of a bind mount is relative to the bundle.',
    broken: { ignores: '/mounts/-1' },
    async run(trial) {
      const output = await trial.output('cat /tmp/file', (config, { directory }) => {
        mkdirSync(join(directory, 'data'));
        writeFileSync(join(directory, 'data', 'file'), 'from the bundle');
        config.mounts.push({ destination: '/tmp', source: 'data', options: ['bind'] });
      });
      expectEqual(output, 'from the bundle', 'the output');
    },
  },
  {
    id: 'mounts-bind-type-is-dummy',
    section,
    level: 'MUST',
    requirement: 'The type of a bind mount is a dummy, which no filesystem need have.',
    broken: { ignores: '/mounts/-1/options' },
    async run(trial) {
      const source = trial.makeDirectory('source');
      trial.write('source/file', 'from the host');
      const type = 'no-such-filesystem';
      const output = await trial.output(
        'cat /tmp/file',
        mounting({ destination: '/tmp', type, source, options: ['bind'] }),
      );
      expectEqual(output, 'from the host', 'the output');
    },
  },
  {
    id: 'mounts-bind-missing-source',
    section: 'runtime.md#create',
    level: 'MUST',
    requirement: 'A bind mount of a source that does not exist is an error.',
    musts: [6],
    broken: { ignores: '/mounts/-1' },
    run: refuses('the source does not exist', (config, { directory }) => {
      config.mounts.push({ destination: '/tmp', source: join(directory, 'missing'), options: ['bind'] });
    }),
  },
  {
    id: 'mounts-unknown-type',
    section: 'config.md#posix-platform-mounts',
    level: 'MUST',
    requirement: 'A type that is no filesystem of the kernel is an error.',
    also: ['runtime.md#create/6'],
    broken: { ignores: '/mounts/-1' },
    run: refuses(
      'the type is unknown',
      mounting({ destination: '/tmp', type: 'no-such-filesystem', source: 'none' }),
    ),
  },
  ...['proc', 'sysfs', 'tmpfs', 'mqueue', 'devpts', 'ramfs'].map(
    (type): Check => ({
      id: `mounts-type-${type}`,
      section: 'config.md#posix-platform-mounts',
      level: 'MUST',
      requirement: `A filesystem of type ${type} can be mounted.`,
      broken: { ignores: '/mounts/-1' },
      async run(trial) {
        const output = await trial.output(
          'cat /proc/self/mountinfo',
          mounting({ destination: '/tmp', type, source: type }),
        );
        expectEqual(mountAt(parseMountInfo(output), '/tmp').type, type, 'the type');
      },
    }),
  ),
  {
    id: 'mounts-default-filesystems',
    section: 'config-linux.md#default-filesystems',
    level: 'SHOULD',
    requirement: 'The configuration that the runtime proposes (spec) has /proc, /sys, /dev/pts and /dev/shm.',
    broken: { skips: 'spec' },
    async run(trial) {
      const container = trial.container(trial.bundle('true'));
      const cwd = trial.makeDirectory('proposed');
      const result = await container.exec(['spec'], { cwd });
      expectEqual(result.code, 0, 'the exit code of spec');
      const { mounts } = JSON.parse(readFileSync(join(cwd, 'config.json'), 'utf8')) as { mounts: Mount[] };
      for (const [destination, type] of [
        ['/proc', 'proc'],
        ['/sys', 'sysfs'],
        ['/dev/pts', 'devpts'],
        ['/dev/shm', 'tmpfs'],
      ]) {
        const found = mounts.some((mount) => mount.destination === destination && mount.type === type);
        expect(found, `${destination} is not there`);
      }
    },
  },
];
