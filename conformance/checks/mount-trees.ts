// config.md#linux-mount-options that concern more than one mount: propagation, and the recursive ones.
// The source is a tree of two tmpfs, made in a mount namespace in which the runtime runs.

import { join } from 'node:path';
import type { Check } from '../harness/check.ts';
import { expect, expectEqual } from '../harness/expect.ts';
import { type Holder, holdNamespaces } from '../harness/namespaces.ts';
import { type MountInfo, mountAt, parseMountInfo } from '../harness/proc.ts';
import type { Trial } from '../harness/trial.ts';

const section = 'config.md#linux-mount-options';

/** Mounts `source` and `source/below`, of these options and this propagation. */
async function makeTree(
  trial: Trial,
  options: string,
  propagation: string,
): Promise<Holder & { source: string }> {
  const source = trial.makeDirectory('source');
  const below = join(source, 'below');
  // Read-only comes last: the directory of the lower mount has to be made first.
  const holder = await holdNamespaces(
    trial,
    ['mount'],
    `mount --make-rprivate /; mount -t tmpfs upper ${source}; mkdir ${below}; mount -t tmpfs lower ${below}
    for m in ${below} ${source}; do mount --make-${propagation} $m; mount -o remount,bind,${options} $m; done`,
  );
  return { ...holder, source };
}

/** What the container sees of the tree, mounted on /tmp with these options. */
async function mountTree(
  trial: Trial,
  made: string,
  propagation: string,
  options: string[],
): Promise<MountInfo[]> {
  const { source, prefix } = await makeTree(trial, made, propagation);
  const output = await trial.output(
    'cat /proc/self/mountinfo',
    (config) => {
      config.mounts.push({ destination: '/tmp', source, options });
    },
    { prefix },
  );
  return parseMountInfo(output);
}

interface Propagation {
  name: string;
  musts: number[];
  /** The tags of proc(5) that the mount has, without their numbers. */
  tag: RegExp;
  instead: string;
}

const PROPAGATIONS: Propagation[] = [
  { name: 'private', musts: [22], tag: /^$/, instead: 'shared' },
  { name: 'shared', musts: [32], tag: /^shared/, instead: 'private' },
  { name: 'slave', musts: [34], tag: /^master/, instead: 'private' },
  { name: 'unbindable', musts: [38], tag: /^unbindable$/, instead: 'private' },
  { name: 'rprivate', musts: [27], tag: /^$/, instead: 'private' },
  { name: 'rshared', musts: [28], tag: /^shared/, instead: 'shared' },
  { name: 'rslave', musts: [29], tag: /^master/, instead: 'private' },
  { name: 'runbindable', musts: [30], tag: /^unbindable$/, instead: 'unbindable' },
];

function propagationCheck({ name, musts, tag, instead }: Propagation): Check {
  const recursive = name.length > 6 && name.startsWith('r');
  const points = recursive ? ['/tmp', '/tmp/below'] : ['/tmp'];
  return {
    id: `mount-option-${name}`,
    section,
    level: 'MUST',
    requirement: `${name} is the propagation of a bind mount${recursive ? ' and of the mounts below it' : ''}.`,
    musts: [1, ...musts, 47],
    broken: { reads: '/mounts/-1/options/-1', as: name === 'rprivate' ? 'rshared' : instead },
    async run(trial) {
      const mounts = await mountTree(trial, 'rw', 'shared', ['rbind', name]);
      for (const point of points) {
        const tags = mountAt(mounts, point).propagation.join(' ');
        expect(tag.test(tags), `the propagation of ${point} is "${tags}"`);
      }
    },
  };
}

interface Recursive {
  name: string;
  /** Options that the tree has before. */
  made: string;
  shows?: string;
  hides?: string[];
}

const RECURSIVE: Recursive[] = [
  { name: 'ratime', made: 'noatime', hides: ['noatime'] },
  { name: 'rdev', made: 'nodev', hides: ['nodev'] },
  { name: 'rdiratime', made: 'nodiratime', hides: ['nodiratime'] },
  { name: 'rexec', made: 'noexec', hides: ['noexec'] },
  { name: 'rnoatime', made: 'rw', shows: 'noatime' },
  { name: 'rnodiratime', made: 'rw', shows: 'nodiratime' },
  { name: 'rnoexec', made: 'rw', shows: 'noexec' },
  { name: 'rnorelatime', made: 'rw' },
  { name: 'rnostrictatime', made: 'strictatime', shows: 'relatime' },
  { name: 'rnosuid', made: 'rw', shows: 'nosuid' },
  { name: 'rnosymfollow', made: 'rw', shows: 'nosymfollow' },
  { name: 'rrelatime', made: 'noatime', shows: 'relatime' },
  { name: 'rro', made: 'rw', shows: 'ro' },
  { name: 'rrw', made: 'ro', shows: 'rw' },
  { name: 'rstrictatime', made: 'relatime', hides: ['relatime', 'noatime'] },
  { name: 'rsuid', made: 'nosuid', hides: ['nosuid'] },
  { name: 'rsymfollow', made: 'nosymfollow', hides: ['nosymfollow'] },
];

function recursiveCheck({ name, made, shows, hides = [] }: Recursive): Check {
  const visible = shows !== undefined || hides.length > 0;
  return {
    id: `mount-option-${name}`,
    section,
    level: 'SHOULD',
    requirement: `${name} ${visible ? 'takes effect for a mount and those below it' : 'is accepted'}.`,
    broken: { reads: '/mounts/-1/options', as: visible ? ['rbind'] : ['no-such-option'] },
    async run(trial) {
      const mounts = await mountTree(trial, made, 'private', ['rbind', name]);
      for (const point of ['/tmp', '/tmp/below']) {
        const { options } = mountAt(mounts, point);
        if (shows !== undefined)
          expect(options.includes(shows), `${shows} is not among ${options} of ${point}`);
        for (const hidden of hides)
          expect(!options.includes(hidden), `${hidden} is among ${options} of ${point}`);
      }
    },
  };
}

export const checks: Check[] = [
  {
    id: 'mount-option-rbind',
    section,
    level: 'MUST',
    requirement: 'rbind takes the mounts below the source along.',
    musts: [23, 47],
    broken: { reads: '/mounts/-1/options', as: ['bind'] },
    async run(trial) {
      const mounts = await mountTree(trial, 'rw', 'private', ['rbind']);
      expectEqual(mountAt(mounts, '/tmp').source, 'upper', 'the source of /tmp');
      expectEqual(mountAt(mounts, '/tmp/below').source, 'lower', 'the source of /tmp/below');
    },
  },
  {
    id: 'mount-option-bind',
    section,
    level: 'MUST',
    requirement: 'bind leaves the mounts below the source behind.',
    musts: [4, 47],
    broken: { reads: '/mounts/-1/options', as: ['rbind'] },
    async run(trial) {
      const mounts = await mountTree(trial, 'rw', 'private', ['bind']);
      expectEqual(mountAt(mounts, '/tmp').source, 'upper', 'the source of /tmp');
      expect(!mounts.some(({ source }) => source === 'lower'), 'the mount below came along');
    },
  },
  {
    id: 'mount-option-ro-not-recursive',
    section,
    level: 'MUST',
    requirement: 'ro of a recursive bind mount leaves the mounts below it as they are.',
    musts: [26],
    broken: { reads: '/mounts/-1/options', as: ['rbind'] },
    async run(trial) {
      const mounts = await mountTree(trial, 'rw', 'private', ['rbind', 'ro']);
      expect(mountAt(mounts, '/tmp').options.includes('ro'), '/tmp is not read-only');
      expect(mountAt(mounts, '/tmp/below').options.includes('rw'), '/tmp/below is read-only');
    },
  },
  {
    id: 'mount-option-bind-flags-cleared',
    section,
    level: 'MUST',
    requirement:
      'A bind mount is not ro, nosuid, nodev or noexec like its source when the opposite is listed.',
    musts: [4, 6, 9, 31, 36],
    broken: { reads: '/mounts/-1/options', as: ['bind', 'ro', 'nosuid', 'nodev', 'noexec'] },
    async run(trial) {
      const options = ['bind', 'rw', 'suid', 'dev', 'exec'];
      const mounts = await mountTree(trial, 'ro,nosuid,nodev,noexec', 'private', options);
      const shown = mountAt(mounts, '/tmp').options;
      for (const option of ['ro', 'nosuid', 'nodev', 'noexec']) {
        expect(!shown.includes(option), `${option} is among ${shown}`);
      }
    },
  },
  ...PROPAGATIONS.map(propagationCheck),
  ...RECURSIVE.map(recursiveCheck),
];
