// config-linux.md#masked-paths, #readonly-paths and #personality.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Check } from '../harness/check.ts';
import { prints, refuses } from '../harness/shapes.ts';
import type { Edit } from '../harness/trial.ts';

/** A file, and a directory with a file, in the root of the container. */
const withFiles =
  (property: 'maskedPaths' | 'readonlyPaths', ...paths: string[]): Edit =>
  (config, { rootfs }) => {
    writeFileSync(join(rootfs, 'file'), 'content\n');
    mkdirSync(join(rootfs, 'directory'));
    writeFileSync(join(rootfs, 'directory', 'file'), 'content\n');
    config.linux[property] = paths;
  };

const masked = 'config-linux.md#masked-paths';
const readonlyPaths = 'config-linux.md#readonly-paths';

export const checks: Check[] = [
  {
    id: 'masked-file',
    section: masked,
    level: 'MUST',
    requirement: 'A masked file cannot be read.',
    broken: { ignores: '/linux/maskedPaths' },
    run: prints('cat /file; cat /directory/file', withFiles('maskedPaths', '/file'), 'content'),
  },
  {
    id: 'masked-directory',
    section: masked,
    level: 'MUST',
    requirement: 'Nothing is in a masked directory, and nothing can be put there.',
    broken: { ignores: '/linux/maskedPaths' },
    run: prints(
      'ls -A /directory; touch /directory/new || echo refused; ls -A /directory',
      withFiles('maskedPaths', '/directory'),
      'refused',
    ),
  },
  {
    id: 'masked-proc',
    section: masked,
    level: 'MUST',
    requirement: 'Files of /proc can be masked.',
    broken: { ignores: '/linux/maskedPaths' },
    run: prints('cat /proc/version | wc -c', withFiles('maskedPaths', '/proc/version'), '0'),
  },
  {
    id: 'masked-missing',
    section: masked,
    level: 'SHOULD',
    requirement: 'A masked path where nothing is, is no error: kernels differ in what /proc has.',
    broken: { reads: '/process', as: {} },
    run: prints(
      'ls -d /missing; cat /file',
      withFiles('maskedPaths', '/missing/file', '/proc/missing'),
      'content',
    ),
  },
  {
    id: 'masked-root-user',
    section: masked,
    level: 'MUST',
    requirement: 'A masked path is masked for a user with CAP_DAC_OVERRIDE too.',
    broken: { ignores: '/linux/maskedPaths' },
    run: prints(
      'cat /file; ls -A /directory; echo end',
      (config, bundle) => {
        withFiles('maskedPaths', '/file', '/directory')(config, bundle);
        for (const set of Object.values(config.process.capabilities)) set.push('CAP_DAC_OVERRIDE');
      },
      'end',
    ),
  },
  {
    id: 'masked-relative',
    section: masked,
    level: 'MUST',
    requirement: 'A relative masked path is an error.',
    musts: [1],
    also: ['config.md#valid-values/1'],
    broken: { ignores: '/linux/maskedPaths' },
    run: refuses('the path is relative', withFiles('maskedPaths', 'file')),
  },
  {
    id: 'readonly-file',
    section: readonlyPaths,
    level: 'MUST',
    requirement: 'A read-only file can be read, not written.',
    broken: { ignores: '/linux/readonlyPaths' },
    run: prints(
      'echo new >/file || echo refused; cat /file; echo new >/directory/file && cat /directory/file',
      withFiles('readonlyPaths', '/file'),
      'refused\ncontent\nnew',
    ),
  },
  {
    id: 'readonly-directory',
    section: readonlyPaths,
    level: 'MUST',
    requirement: 'In a read-only directory files can be read, and nothing written.',
    broken: { ignores: '/linux/readonlyPaths' },
    run: prints(
      'touch /directory/new || echo refused; echo new >/directory/file || echo refused; cat /directory/file',
      withFiles('readonlyPaths', '/directory'),
      'refused\nrefused\ncontent',
    ),
  },
  {
    id: 'readonly-proc',
    section: readonlyPaths,
    level: 'MUST',
    requirement: 'Parts of /proc can be made read-only.',
    broken: { ignores: '/linux/readonlyPaths' },
    run: prints(
      'echo x >/proc/sys/kernel/domainname || echo refused; cat /proc/sys/kernel/domainname',
      (config, bundle) => {
        withFiles('readonlyPaths', '/proc/sys')(config, bundle);
        for (const set of Object.values(config.process.capabilities)) set.push('CAP_SYS_ADMIN');
      },
      /^refused\n(?!x)/,
    ),
  },
  {
    id: 'readonly-mount-options',
    section: readonlyPaths,
    level: 'MUST',
    requirement: 'A read-only path keeps the other options of the mount that it is on.',
    broken: { reads: '/mounts/-1/options', as: [] },
    run: prints(
      'grep " /tmp/kept " /proc/self/mountinfo | cut -d " " -f 6',
      (config) => {
        config.mounts.push(
          { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'noexec'] },
          {
            destination: '/tmp/kept',
            type: 'tmpfs',
            source: 'tmpfs',
            options: ['nosuid', 'nodev', 'noexec'],
          },
        );
        config.linux.readonlyPaths = ['/tmp/kept'];
      },
      /ro,nosuid,nodev,noexec[^\n]*$/,
    ),
  },
  {
    id: 'readonly-relative',
    section: readonlyPaths,
    level: 'MUST',
    requirement: 'A relative read-only path is an error.',
    musts: [1],
    also: ['config.md#valid-values/1'],
    broken: { ignores: '/linux/readonlyPaths' },
    run: refuses('the path is relative', withFiles('readonlyPaths', 'file')),
  },
  {
    id: 'personality-linux32',
    section: 'config-linux.md#personality',
    level: 'MUST',
    requirement: 'With the domain LINUX32, uname shows a 32-bit machine.',
    unless: () =>
      process.arch === 'x64' ? undefined : 'the names of 32-bit machines are known for x86 only',
    broken: { ignores: '/linux/personality' },
    run: prints(
      'uname -m',
      (config) => {
        config.linux.personality = { domain: 'LINUX32' };
      },
      'i686',
    ),
  },
  {
    id: 'personality-linux',
    section: 'config-linux.md#personality',
    level: 'MUST',
    requirement: 'With the domain LINUX, uname shows the machine as it is.',
    // The second for a runtime that sets no personality.
    broken: {
      all: [
        { reads: '/linux/personality/domain', as: 'LINUX32' },
        { wraps: 'setarch linux32 "$@"', of: 'create' },
      ],
    },
    run: prints(
      'uname -m',
      (config) => {
        config.linux.personality = { domain: 'LINUX' };
      },
      /64/,
    ),
  },
  {
    id: 'personality-unknown',
    section: 'config.md#valid-values',
    level: 'MUST',
    requirement: 'A personality domain that is not in the list is an error.',
    musts: [1],
    broken: { ignores: '/linux/personality' },
    run: refuses('the domain is unknown', (config) => {
      config.linux.personality = { domain: 'NO_SUCH_THING' };
    }),
  },
];
