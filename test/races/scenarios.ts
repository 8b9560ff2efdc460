// What is exchanged while containers are created, and what they look like.

import {
  chownSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { MountInfo } from '../../src/linux/mountinfo.ts';
import { type Change, userNamespace } from '../container/harness.ts';
import type { Pair } from './exchanger.ts';
import type { World } from './world.ts';

export interface Scenario {
  name: string;
  cve: string;
  /** Makes what is exchanged. */
  prepare(world: World): Pair[];
  /** The containers, in turn. */
  containers: readonly { change: (world: World) => Change; options?: readonly string[] }[];
  /** Whether containers may come to have a part of `outside` as their root. */
  rootOutside?: boolean;
  /** What else is wrong with a container that was created. */
  wrong?(world: World, pid: number, mounts: readonly MountInfo[]): string[];
}

/** A shared root: what is mounted anywhere but in it is mounted on the host. */
const shared: Change = ({ linux }) => {
  linux.rootfsPropagation = 'shared';
};

const all =
  (...changes: readonly Change[]): Change =>
  (config) => {
    for (const change of changes) change(config);
  };

/** Makes a link beside a file, which has that name once they are exchanged. */
function linkBeside(path: string, target: string, suffix = 'link'): Pair {
  const name = basename(path);
  symlinkSync(target, `${path}.${suffix}`);
  return { directory: dirname(path), names: [name, `${name}.${suffix}`] };
}

/** A sysctl, which goes by a procfs. */
const withSysctl: Change = ({ linux }) => {
  linux.sysctl = { 'net.ipv4.ip_forward': '1' };
};

/** Without a mount on /dev: devices are made in the directory of the image. */
const withoutDev: Change = (config) => {
  config.mounts = (config.mounts ?? []).filter(({ destination }) => destination !== '/dev');
};

/** The pid namespace of the host: in a user namespace there is no procfs but the one that is mounted then. */
const sharedPids: Change = (config) => {
  config.linux.namespaces = (config.linux.namespaces ?? []).filter(({ type }) => type !== 'pid');
  config.mounts = (config.mounts ?? []).map((mount) =>
    mount.type === 'proc' ? { ...mount, type: 'bind', source: '/proc', options: ['rbind', 'rslave'] } : mount,
  );
};

const MASKED = ['/proc/keys', '/proc/timer_list'];

const withTerminal: Change = ({ process, linux }) => {
  process.terminal = true;
  linux.maskedPaths = [...MASKED];
  linux.readonlyPaths = [];
};

const targets: Scenario = {
  name: 'targets of mounts, and what is above them',
  cve: 'CVE-2021-30465',
  prepare({ box, outside }) {
    const top = join(box.rootfs, 't');
    for (const name of ['dir', 'deep']) mkdirSync(join(top, name), { recursive: true });
    writeFileSync(join(top, 'file'), '');
    mkdirSync(join(box.directory, 'volume'));
    // Root of the user namespace makes directories here, too.
    for (const path of [top, join(top, 'dir'), join(top, 'deep')]) chownSync(path, 100_000, 100_000);
    return [
      linkBeside(join(top, 'dir'), outside),
      linkBeside(join(top, 'dir'), '/', 'root'),
      linkBeside(join(top, 'deep'), '../../../../../..'),
      linkBeside(join(top, 'file'), join(outside, 'file')),
      linkBeside(top, outside),
      linkBeside(top, '/', 'root'),
    ];
  },
  containers: [[], [shared], [shared, userNamespace], []].map((changes) => ({
    change: (world) => all(mountsOnTargets(world), ...changes),
  })),
};

function mountsOnTargets({ box, tag }: World): Change {
  return (config) => {
    const volume = join(box.directory, 'volume');
    const made = `${tag}/deeper`;
    config.process.cwd = `/t/deep/${tag}`;
    config.mounts?.push(
      { destination: '/t/dir', type: 'tmpfs', source: 'tmpfs' },
      { destination: `/t/deep/${made}`, type: 'tmpfs', source: 'tmpfs' },
      { destination: `/t/dir/${made}`, type: 'bind', source: volume, options: ['rbind'] },
      { destination: '/t/file', type: 'bind', source: '/etc/passwd', options: ['bind', 'ro'] },
      { destination: `/t/${tag}`, type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] },
    );
  };
}

const roots: Scenario = {
  name: 'the root filesystem itself, and the bundle',
  cve: 'CVE-2021-30465',
  prepare({ box, outside }) {
    // Another root filesystem of the same look, and one outside.
    const other = `${box.rootfs}.other`;
    const elsewhere = join(outside, 'rootfs');
    for (const root of [other, elsewhere])
      cpSync(box.rootfs, root, { recursive: true, verbatimSymlinks: true });
    return [
      { directory: box.bundle, names: ['rootfs', 'rootfs.other'] },
      linkBeside(box.rootfs, elsewhere),
      linkBeside(box.bundle, outside),
    ];
  },
  rootOutside: true,
  containers: [
    { change: () => shared },
    { change: () => () => {} },
    { change: () => shared, options: ['--overlay'] },
    { change: () => shared, options: ['--no-pivot'] },
  ],
};

const places: Scenario = {
  name: '/proc, /sys and /dev of the image',
  cve: 'CVE-2023-27561',
  prepare({ box, outside }) {
    return [
      linkBeside(join(box.rootfs, 'proc'), join(outside, 'proc')),
      linkBeside(join(box.rootfs, 'proc'), 'tmp', 'tmp'),
      linkBeside(join(box.rootfs, 'sys'), join(outside, 'sys')),
      linkBeside(join(box.rootfs, 'dev'), join(outside, 'dev')),
      linkBeside(join(box.rootfs, 'dev'), '/', 'root'),
    ];
  },
  containers: [[shared], [withoutDev], [sharedPids, userNamespace]].map((changes) => ({
    change: () => all(withSysctl, ...changes),
  })),
  // Where procfs is not at /proc there is nothing that could deceive who writes a label.
  wrong: (_, __, mounts) =>
    mounts
      .filter(({ mountPoint, type }) => mountPoint === '/proc' && type !== 'proc')
      .map(({ type }) => `a ${type} is mounted on /proc`),
};

const devices: Scenario = {
  name: 'devices of the image: console, pts, ptmx, null',
  cve: 'CVE-2025-52565',
  prepare({ box, outside }) {
    const dev = join(box.rootfs, 'dev');
    mkdirSync(join(dev, 'pts'));
    for (const name of ['console', 'ptmx']) writeFileSync(join(dev, name), '');
    // Root of the user namespace makes links here.
    chownSync(dev, 100_000, 100_000);
    return [
      linkBeside(join(dev, 'console'), join(outside, 'console')),
      linkBeside(join(dev, 'console'), '/proc/sys/kernel/core_pattern', 'core'),
      linkBeside(join(dev, 'pts'), join(outside, 'pts')),
      linkBeside(join(dev, 'ptmx'), join(outside, 'ptmx')),
      // There is no such node before the first container makes it.
      { ...linkBeside(join(dev, 'null'), join(outside, 'null')) },
      linkBeside(join(dev, 'null'), '/proc/sys/kernel/core_pattern', 'core'),
    ];
  },
  containers: [[], [shared], [userNamespace]].map((changes) => ({
    change: () => all(withTerminal, withoutDev, ...changes),
  })),
  wrong: (_, pid) =>
    MASKED.flatMap((path) => {
      const { rdev, mode } = statSync(`/proc/${pid}/root${path}`);
      const isNull = (mode & 0o170000) === 0o020000 && rdev === statSync('/dev/null').rdev;
      return isNull ? [] : [`${path} is masked by something else than the null device`];
    }),
};

export const scenarios: readonly Scenario[] = [targets, roots, places, devices];

/** Directories of a name, in the places that links of the images lead to. */
export function strayDirectories({ outside, tag }: World): string[] {
  return ['/', dirname(outside), outside, '/tmp', '/dev', '/proc/..']
    .flatMap((place) => [join(place, tag), join(place, 'deep', tag)])
    .filter((path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined)
    .concat(readdirSync('/').filter((name) => name === tag));
}
