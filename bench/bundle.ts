// The bundles that are measured: one root filesystem of busybox, and configurations like those an engine writes.

import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const capabilities = ['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_KILL', 'CAP_SETGID', 'CAP_SETUID'];
const hidden = ['nosuid', 'noexec', 'nodev'];

/** What `runc spec` writes, in essence: its namespaces, mounts, masked paths and denied devices. */
export const baseConfig = {
  ociVersion: '1.0.2',
  process: {
    terminal: false,
    user: { uid: 0, gid: 0 },
    args: ['/bin/true'],
    env: ['PATH=/bin'],
    cwd: '/',
    capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    noNewPrivileges: true,
  },
  root: { path: 'rootfs', readonly: true },
  hostname: 'bench',
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=65536k'] },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
    },
    { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...hidden, 'mode=1777'] },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: hidden },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...hidden, 'ro'] },
    {
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options: [...hidden, 'relatime', 'ro'],
    },
  ],
  linux: {
    resources: { devices: [{ allow: false, access: 'rwm' }] },
    namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'].map((type) => ({ type })),
    maskedPaths: ['/proc/kcore', '/proc/keys', '/proc/timer_list', '/proc/scsi', '/sys/firmware'],
    readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
  },
};

type Linux = Omit<typeof baseConfig.linux, 'resources'> & { resources?: object; seccomp?: unknown };
export type Config = Omit<typeof baseConfig, 'linux'> & { linux: Linux };

/** Makes the root filesystem; `mounts` directories in it wait for mounts. */
export function makeRootfs(path: string, mounts: number): void {
  const busybox = ['/bin/busybox', '/usr/bin/busybox'].find((candidate) => existsSync(candidate));
  if (!busybox) throw new Error('busybox (Debian: busybox-static) is not installed');
  for (const directory of ['bin', 'dev', 'proc', 'sys', 'mnt'])
    mkdirSync(join(path, directory), { recursive: true });
  copyFileSync(busybox, join(path, 'bin', 'busybox'));
  for (const applet of ['sh', 'sleep', 'true']) symlinkSync('busybox', join(path, 'bin', applet));
  for (let i = 0; i < mounts; i++) mkdirSync(join(path, mountPoint(i)));
}

/** Makes a bundle beside the root filesystem it shares; `edit` changes a copy of the configuration. */
export function makeBundle(path: string, rootfs: string, edit: (config: Config) => void = () => {}): string {
  const config: Config = structuredClone(baseConfig);
  config.root.path = rootfs;
  edit(config);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'config.json'), JSON.stringify(config));
  return path;
}

/** Adds `count` mounts: every other one a tmpfs, the rest bind mounts of `source`. */
export function addMounts(config: Config, count: number, source: string): void {
  for (let i = 0; i < count; i++) {
    const destination = mountPoint(i);
    config.mounts.push(
      i % 2 === 0
        ? { destination, type: 'bind', source, options: ['bind', 'ro', 'nosuid'] }
        : { destination, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'size=4k'] },
    );
  }
}

function mountPoint(index: number): string {
  return `/mnt/${index}`;
}

interface Profile {
  syscalls: {
    names: string[];
    action: string;
    includes?: { arches?: string[]; caps?: string[]; minKernel?: string };
    excludes?: object;
  }[];
}

/** What podman's default profile allows a container without capabilities, as a filter; undefined without that profile. */
export function engineFilter(): unknown {
  const file = '/usr/share/containers/seccomp.json';
  if (!existsSync(file)) return undefined;
  const [architecture, goName] = process.arch === 'arm64' ? ['AARCH64', 'arm64'] : ['X86_64', 'amd64'];
  const { syscalls }: Profile = JSON.parse(readFileSync(file, 'utf8'));
  const allowed = syscalls.filter(
    ({ action, includes = {}, excludes = {} }) =>
      action === 'SCMP_ACT_ALLOW' &&
      !includes.caps &&
      !includes.minKernel &&
      (includes.arches?.includes(goName) ?? true) &&
      Object.keys(excludes).length === 0,
  );
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    architectures: [`SCMP_ARCH_${architecture}`],
    syscalls: allowed.map(({ names, action }) => ({ names, action })),
  };
}
