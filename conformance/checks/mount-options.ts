// config.md#linux-mount-options: the options that concern one mount, or the filesystem that is mounted.

import { readFileSync } from 'node:fs';
import type { Check } from '../harness/check.ts';
import { expect, expectEqual } from '../harness/expect.ts';
import { type MountInfo, mountAt, parseMountInfo } from '../harness/proc.ts';
import { prints, refuses } from '../harness/shapes.ts';

const section = 'config.md#linux-mount-options';

interface Option {
  name: string;
  /** Ordinal of the MUST statement. */
  must?: number;
  level?: 'SHOULD' | 'MAY';
  /** The options of a tmpfs. An option that takes another back follows that one. */
  options: string[];
  /** What proc(5) must show of it, or must not; nothing where the kernel does not show it. */
  shows?: string;
  hides?: string[];
  /** What a runtime does that ignores the option. */
  instead: string[];
}

/** Passed to tmpfs by a runtime that does not know an option, and refused by it. */
const UNKNOWN = ['no-such-option'];

const OPTIONS: Option[] = [
  { name: 'async', must: 2, options: ['sync', 'async'], hides: ['sync'], instead: ['sync'] },
  { name: 'atime', must: 3, options: ['noatime', 'atime'], hides: ['noatime'], instead: ['noatime'] },
  { name: 'defaults', must: 5, options: ['defaults'], shows: 'rw', instead: UNKNOWN },
  { name: 'dev', must: 6, options: ['nodev', 'dev'], hides: ['nodev'], instead: ['nodev'] },
  {
    name: 'diratime',
    must: 7,
    options: ['nodiratime', 'diratime'],
    hides: ['nodiratime'],
    instead: ['nodiratime'],
  },
  { name: 'dirsync', must: 8, options: ['dirsync'], shows: 'dirsync', instead: [] },
  { name: 'exec', must: 9, options: ['noexec', 'exec'], hides: ['noexec'], instead: ['noexec'] },
  { name: 'iversion', must: 10, options: ['iversion'], instead: UNKNOWN },
  { name: 'lazytime', must: 11, options: ['lazytime'], shows: 'lazytime', instead: [] },
  { name: 'loud', must: 12, options: ['silent', 'loud'], instead: UNKNOWN },
  { name: 'noatime', must: 13, options: ['noatime'], shows: 'noatime', instead: [] },
  { name: 'nodev', must: 14, options: ['nodev'], shows: 'nodev', instead: [] },
  { name: 'nodiratime', must: 15, options: ['nodiratime'], shows: 'nodiratime', instead: [] },
  { name: 'noexec', must: 16, options: ['noexec'], shows: 'noexec', instead: [] },
  { name: 'noiversion', must: 17, options: ['noiversion'], instead: UNKNOWN },
  {
    name: 'nolazytime',
    must: 18,
    options: ['lazytime', 'nolazytime'],
    hides: ['lazytime'],
    instead: ['lazytime'],
  },
  { name: 'norelatime', must: 19, options: ['norelatime'], instead: UNKNOWN },
  {
    name: 'nostrictatime',
    must: 20,
    options: ['strictatime', 'nostrictatime'],
    shows: 'relatime',
    instead: ['strictatime'],
  },
  { name: 'nosuid', must: 21, options: ['nosuid'], shows: 'nosuid', instead: [] },
  { name: 'relatime', must: 24, options: ['relatime'], shows: 'relatime', instead: ['noatime'] },
  { name: 'ro', must: 26, options: ['ro'], shows: 'ro', instead: [] },
  { name: 'rw', must: 31, options: ['ro', 'rw'], shows: 'rw', hides: ['ro'], instead: ['ro'] },
  { name: 'silent', must: 33, options: ['silent'], instead: UNKNOWN },
  { name: 'strictatime', must: 35, options: ['strictatime'], hides: ['relatime', 'noatime'], instead: [] },
  { name: 'suid', must: 36, options: ['nosuid', 'suid'], hides: ['nosuid'], instead: ['nosuid'] },
  { name: 'sync', must: 37, options: ['sync'], shows: 'sync', instead: [] },
  { name: 'nosymfollow', level: 'SHOULD', options: ['nosymfollow'], shows: 'nosymfollow', instead: [] },
  {
    name: 'symfollow',
    level: 'SHOULD',
    options: ['nosymfollow', 'symfollow'],
    hides: ['nosymfollow'],
    instead: ['nosymfollow'],
  },
  { name: 'mand', level: 'MAY', options: ['mand'], instead: UNKNOWN },
  { name: 'nomand', level: 'MAY', options: ['nomand'], instead: UNKNOWN },
];

/** Recursive options, with types of filesystems that are not bind-mounted. */
const RECURSIVE: [name: string, type: string][] = [
  ['rro', 'tmpfs'],
  ['rro', 'sysfs'],
  ['rro', 'mqueue'],
  ['rnosuid', 'tmpfs'],
  ['rnodev', 'tmpfs'],
  ['rnoexec', 'tmpfs'],
  ['rnoatime', 'tmpfs'],
  ['rnodiratime', 'tmpfs'],
  ['rnosymfollow', 'tmpfs'],
];

/** All that proc(5) shows of a mount and its filesystem. */
function optionsOf(mount: MountInfo): string[] {
  // The filesystem's own rw says nothing of the mount.
  return [...mount.options, ...mount.superOptions.filter((option) => option !== 'rw')];
}

function checkOf({ name, must, level, options, shows, hides = [], instead }: Option): Check {
  const effect =
    shows === undefined && hides.length === 0
      ? 'is an option of every mount, not passed to the filesystem'
      : 'takes effect';
  return {
    id: `mount-option-${name}`,
    section,
    level: level ?? 'MUST',
    requirement: `${name} ${effect}${options.length > 1 ? `, here after ${options[0]}` : ''}.`,
    musts: must === undefined ? [] : [1, must, 47],
    broken: { reads: '/mounts/-1/options', as: instead },
    async run(trial) {
      const output = await trial.output('cat /proc/self/mountinfo', (config) => {
        config.mounts.push({ destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options });
      });
      const shown = optionsOf(mountAt(parseMountInfo(output), '/tmp'));
      if (shows !== undefined) expect(shown.includes(shows), `${shows} is not among ${shown}`);
      for (const hidden of hides) expect(!shown.includes(hidden), `${hidden} is among ${shown}`);
    },
  };
}

export const checks: Check[] = [
  ...OPTIONS.map(checkOf),
  {
    id: 'mount-option-remount',
    section,
    level: 'MUST',
    requirement: 'remount changes the mount that is there, and makes no second one.',
    musts: [25],
    broken: { ignores: '/mounts/-1/options/0' },
    async run(trial) {
      const output = await trial.output('cat /proc/self/mountinfo', (config) => {
        const mount = { destination: '/tmp', type: 'tmpfs', source: 'tmpfs' };
        config.mounts.push({ ...mount, options: ['rw'] }, { ...mount, options: ['remount', 'ro'] });
      });
      const mounts = parseMountInfo(output).filter(({ point }) => point === '/tmp');
      expectEqual(mounts.length, 1, 'the number of mounts on /tmp');
      const [mount] = mounts;
      expect(mount !== undefined && optionsOf(mount).includes('ro'), '/tmp is not read-only');
    },
  },
  {
    id: 'mount-option-bind-flags',
    section,
    level: 'MUST',
    requirement: 'Options of a mount take effect for bind mounts too.',
    musts: [4, 26, 14, 21, 16],
    broken: { reads: '/mounts/-1/options', as: ['bind'] },
    async run(trial) {
      const source = trial.makeDirectory('source');
      const output = await trial.output('cat /proc/self/mountinfo', (config) => {
        config.mounts.push({
          destination: '/tmp',
          source,
          options: ['bind', 'ro', 'nodev', 'nosuid', 'noexec'],
        });
      });
      const { options } = mountAt(parseMountInfo(output), '/tmp');
      for (const option of ['ro', 'nodev', 'nosuid', 'noexec']) {
        expect(options.includes(option), `${option} is not among ${options}`);
      }
    },
  },
  {
    id: 'mount-option-of-filesystem',
    section,
    level: 'SHOULD',
    requirement: 'An option that is not in the table is passed to the filesystem, with the others by commas.',
    broken: { reads: '/mounts/-1/options', as: [] },
    async run(trial) {
      const output = await trial.output('stat -c %a /tmp; cat /proc/self/mountinfo', (config) => {
        const options = ['nosuid', 'mode=0711', 'ro', 'size=1024k', 'nr_inodes=77'];
        config.mounts.push({ destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options });
      });
      const { superOptions } = mountAt(parseMountInfo(output), '/tmp');
      for (const option of ['mode=711', 'size=1024k', 'nr_inodes=77']) {
        expect(superOptions.includes(option), `${option} is not among ${superOptions}`);
      }
    },
  },
  {
    id: 'mount-option-unknown',
    section: 'runtime.md#create',
    level: 'MUST',
    requirement: 'An option that the filesystem refuses is an error.',
    musts: [6],
    broken: { reads: '/mounts/-1/options', as: [] },
    run: refuses('tmpfs has no such option', (config) => {
      config.mounts.push({ destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: UNKNOWN });
    }),
  },
  {
    id: 'mount-option-unknown-of-bind',
    section: 'runtime.md#create',
    level: 'MUST',
    requirement: 'An unknown option of a bind mount, which has no filesystem to know it, is an error.',
    musts: [6],
    broken: { reads: '/mounts/-1/options', as: ['bind'] },
    async run(trial) {
      const source = trial.makeDirectory('source');
      await trial.refused('there is no such option', (config) => {
        config.mounts.push({ destination: '/tmp', source, options: ['bind', 'roo'] });
      });
    },
  },
  ...RECURSIVE.map(
    ([name, type]): Check => ({
      id: `mount-option-${name}-of-${type}`,
      section,
      level: 'SHOULD',
      requirement: `${name} takes effect for a mount of type ${type}, which is no bind mount, or is an error.`,
      broken: { reads: '/mounts/-1/options', as: [] },
      async run(trial) {
        const bundle = trial.bundle('cat /proc/self/mountinfo', (config) => {
          config.mounts.push({ destination: '/tmp', type, source: type, options: [name] });
        });
        const container = trial.container(bundle);
        if ((await container.create()).code !== 0) return;
        await container.start();
        await container.exited();
        const shown = mountAt(parseMountInfo(container.output), '/tmp').options;
        expect(shown.includes(name.slice(1)), `${name.slice(1)} is not among ${shown}`);
      },
    }),
  ),
  {
    id: 'mount-option-long',
    section,
    level: 'SHOULD',
    requirement: 'An option of the filesystem may be long: as much as mount(2) takes.',
    unless: () =>
      readFileSync('/proc/filesystems', 'utf8').includes('\toverlay\n')
        ? undefined
        : 'this host has no overlay',
    broken: { reads: '/mounts/-1/options', as: ['lowerdir=/usr:/etc'] },
    async run(trial) {
      const layers = Array.from({ length: 12 }, (_, number) => trial.makeDirectory(`layer-${number}`));
      trial.write('layer-11/file', 'of the lowest layer');
      const option = `lowerdir=${layers.join(':')}`;
      expect(option.length > 256, 'the option is not longer than fsconfig(2) takes');
      const output = await trial.output('cat /tmp/file', (config) => {
        config.mounts.push({ destination: '/tmp', type: 'overlay', source: 'overlay', options: [option] });
      });
      expectEqual(output, 'of the lowest layer', 'the output');
    },
  },
  {
    id: 'mount-option-tmpcopyup',
    section,
    level: 'MAY',
    requirement: 'tmpcopyup fills a tmpfs with what it covers.',
    broken: { reads: '/mounts/-1/options', as: [] },
    run: prints(
      'ls /bin/busybox /bin/sh; grep -c " /bin " /proc/self/mountinfo',
      (config) => {
        config.mounts.push({ destination: '/bin', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] });
      },
      '/bin/busybox\n/bin/sh\n1',
    ),
  },
];
