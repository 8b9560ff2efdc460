// config.md#mounts: the destination of a mount, which is a path in the container whatever is there.

import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Check } from '../harness/check.ts';
import type { Mount } from '../harness/config.ts';
import { expect, expectEqual } from '../harness/expect.ts';
import { mountAt, parseMountInfo } from '../harness/proc.ts';
import { prints } from '../harness/shapes.ts';
import type { Edit } from '../harness/trial.ts';

const section = 'config.md#mounts';

const tmpfs = (destination: string, source: string): Mount => ({ destination, type: 'tmpfs', source });

const mounting =
  (...mounts: Mount[]): Edit =>
  (config) => {
    config.mounts.push(...mounts);
  };

/** A destination that leads, by symbolic links, to what does not exist. */
interface Dangling {
  id: string;
  /** The links that are in the root filesystem, and what each says. */
  links: Record<string, string>;
  destination: string;
  /** The file of the mount, by the path that the links lead to. */
  end: string;
  /** Whether a directory is mounted, not a file. */
  directory?: boolean;
}

const DANGLING: Dangling[] = [
  {
    id: 'relative',
    links: { 'etc/link': '../conformance/stub' },
    destination: '/etc/link',
    end: '/conformance/stub',
  },
  {
    id: 'absolute',
    links: { 'etc/link': '/conformance/a/b/stub' },
    destination: '/etc/link',
    end: '/conformance/a/b/stub',
  },
  {
    id: 'above',
    links: { link: '../../../../conformance/stub' },
    destination: '/link',
    end: '/conformance/stub',
  },
  {
    id: 'chain',
    links: { 'etc/link': 'second', 'etc/second': '/third', third: 'conformance/stub' },
    destination: '/etc/link',
    end: '/conformance/stub',
  },
  {
    id: 'through',
    links: { 'var/link': '/conformance' },
    destination: '/var/link/below/file',
    end: '/conformance/below/file',
  },
  {
    id: 'directory',
    links: { 'var/link': '../conformance/data' },
    destination: '/var/link',
    end: '/conformance/data/file',
    directory: true,
  },
];

export const checks: Check[] = [
  {
    id: 'mounts-relative-destination',
    section,
    level: 'MUST',
    requirement: 'A relative destination is relative to the root of the container.',
    musts: [2],
    broken: { ignores: '/mounts/-1' },
    run: prints(
      'grep " /tmp " /proc/self/mountinfo | grep -c " - tmpfs relative "',
      mounting(tmpfs('tmp', 'relative')),
      '1',
    ),
  },
  {
    id: 'mounts-missing-destination',
    section,
    level: 'SHOULD',
    requirement: 'A destination that is not there is made: a directory for a directory, a file for a file.',
    broken: { ignores: '/mounts/-1' },
    async run(trial) {
      const file = trial.write('source', 'content');
      const output = await trial.output(
        'test -d /new/directory && cat /other/file',
        mounting(tmpfs('/new/directory', 'tmpfs'), {
          destination: '/other/file',
          source: file,
          options: ['bind'],
        }),
      );
      expectEqual(output, 'content', 'the output');
    },
  },
  ...DANGLING.map(
    ({ id, links, destination, end, directory = false }): Check => ({
      id: `mounts-dangling-link-${id}`,
      section,
      level: 'SHOULD',
      requirement: `Where ${destination} is ${Object.values(links).join(', ')}, which is not there, that is made, in the container.`,
      broken: { ignores: '/mounts/-1' },
      async run(trial) {
        const parent = trial.makeDirectory('source');
        const file = trial.write('source/file', 'content');
        const output = await trial.output(
          `cat ${destination}${directory ? '/file' : ''}; cat ${end}`,
          (config, { rootfs }) => {
            for (const [path, target] of Object.entries(links)) {
              mkdirSync(dirname(join(rootfs, path)), { recursive: true });
              symlinkSync(target, join(rootfs, path));
            }
            config.mounts.push({ destination, source: directory ? parent : file, options: ['bind'] });
          },
        );
        expectEqual(output, 'contentcontent', 'the output');
        expect(!existsSync(end), `${end} was made on the host`);
      },
    }),
  ),
  {
    id: 'mounts-destination-root',
    section: 'runtime.md#create',
    level: 'MUST',
    requirement: 'A mount on the root of the container is made, or is an error.',
    musts: [4, 6],
    broken: { ignores: '/mounts/0' },
    async run(trial) {
      const source = trial.path('another-root');
      const container = trial.container(
        trial.bundle('cat /which', (config, { rootfs }) => {
          cpSync(rootfs, source, { recursive: true, verbatimSymlinks: true });
          writeFileSync(join(source, 'which'), 'mounted');
          config.mounts.unshift({ destination: '/', source, options: ['bind'] });
        }),
      );
      if ((await container.create()).code !== 0) return;
      await container.start();
      await container.exited();
      expectEqual(container.output, 'mounted', 'the output');
    },
  },
  {
    id: 'mounts-stay-in-root',
    section,
    level: 'MUST',
    requirement: 'A destination is a path in the container, also through symbolic links that lead outside.',
    broken: { reads: '/mounts/-1/destination', as: '/other' },
    async run(trial) {
      const outside = trial.makeDirectory('outside');
      const output = await trial.output('cat /proc/self/mountinfo', (config, { rootfs }) => {
        symlinkSync(outside, join(rootfs, 'absolute'));
        symlinkSync('../../../..', join(rootfs, 'relative'));
        for (const path of [join(outside, 'below'), 'above'])
          mkdirSync(join(rootfs, path), { recursive: true });
        config.mounts.push(tmpfs('/absolute/below', 'first'), tmpfs('/relative/above', 'second'));
      });
      const mounts = parseMountInfo(output);
      expectEqual(mountAt(mounts, join(outside, 'below')).source, 'first', `the source of ${outside}/below`);
      expectEqual(mountAt(mounts, '/above').source, 'second', 'the source of /above');
      expectEqual(readdirSync(outside), [], 'the list of files made on the host');
    },
  },
];
