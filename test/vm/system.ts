// The guest's first disk and its kernel: Debian packages, unpacked once and kept under build/vm/.

import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { openApt, unpackKernel, unpackWithDependencies } from './apt.ts';
import { type Architecture, hostArchitecture, processors } from './architecture.ts';
import { makeDisk } from './disk.ts';
import { run } from './process.ts';
import { labelDisk, makePolicy, selinuxPackages } from './selinux/policy.ts';
import { makeWorkspace, removeWorkspace } from './workspace.ts';

/** Of everything but kernels that it has not. */
const guestSuite = 'bookworm';

export const usualKernel = '6.1';
/** Too old for tsoci: test/vm/guest/kernel.test.ts wants to see what it says then. */
const oldKernel = '5.10';
/** With pages of 16 KiB, which only arm64 can have. */
export const largePagesKernel = '6.12-16k';
/** The suites of Debian that have the kernels. `newest` is what Debian has now. */
const kernelSuites = new Map([
  [usualKernel, guestSuite],
  ['6.12', 'bookworm-backports'],
  [largePagesKernel, 'bookworm-backports'],
  ['newest', 'trixie-backports'],
  [oldKernel, 'bullseye'],
]);
export const kernelNames = [...kernelSuites.keys()];
/** Those on which every test can pass, whatever the processor. */
export const allKernels = kernelNames.filter((name) => ![oldKernel, largePagesKernel].includes(name));

/** Kernel, initramfs and disk, ready for qemu. */
export type System = { kernel: string; initramfs: string; disk: string };

/** The two other runtimes, engines and what their suites call, what tsoci and Node link to, and what tests use. */
const packages = [
  ...['busybox-static', 'runc', 'crun', 'criu'],
  ...['podman', 'conmon', 'containerd', 'docker.io', 'jq', 'procps'],
  ...['bash', 'dash', 'coreutils', 'findutils', 'grep', 'sed', 'tar', 'mount', 'util-linux', 'bsdutils'],
  ...['libstdc++6', 'libatomic1', 'libseccomp2'],
  ...['systemd', 'dbus', 'apparmor', 'iproute2', 'nftables', 'iptables', 'uidmap', 'strace'],
  ...selinuxPackages,
];

/** The policy is compiled by programs of the guest, which must run on this host. */
export function hasSelinux(architecture: Architecture): boolean {
  return architecture === hostArchitecture();
}

/** What the guest needs before it can see its disks. */
const earlyModules = ['virtio_pci', 'virtio_blk', 'virtio_console', 'crc32c_generic', 'ext4'];

const users = [
  'root:x:0:0:root:/root:/bin/sh',
  'messagebus:x:100:100::/:/usr/sbin/nologin',
  'user:x:1000:1000::/home/user:/bin/sh',
  'nobody:x:65534:65534::/:/usr/sbin/nologin',
];
const groups = ['root:x:0:', 'tty:x:5:', 'messagebus:x:100:', 'user:x:1000:', 'nogroup:x:65534:'];

/** Makes the system of one kernel version, unless build/vm/ has it. */
export function prepareSystem(architecture: Architecture, version: string, cache: string): System {
  const recipe = ['system.ts', 'apt.ts', 'selinux/policy.ts', 'selinux/container.cil'];
  const hash = createHash('sha256');
  for (const file of recipe) hash.update(readFileSync(join(import.meta.dirname, file)));
  const key = hash.digest('hex').slice(0, 8);
  const name = `${architecture}-${version}`;
  const home = join(cache, `${name}-${key}`);
  if (!existsSync(home)) {
    console.error(`making the guest of Linux ${version} on ${architecture} from Debian packages, once`);
    const work = makeWorkspace(cache);
    try {
      build(architecture, version, work);
      removeOlder(name, cache);
      publish(join(work, 'system'), home);
    } finally {
      removeWorkspace(work);
    }
  }
  const path = (name: string) => join(home, name);
  return { kernel: path('vmlinuz'), initramfs: path('initramfs'), disk: path('disk.img') };
}

function removeOlder(name: string, cache: string): void {
  const older = readdirSync(cache).filter((each) => each.startsWith(`${name}-`));
  for (const each of older) rmSync(join(cache, each), { recursive: true, force: true });
}

/** Another process may have been faster: its work is as good. */
function publish(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!existsSync(to)) throw error;
  }
}

function build(architecture: Architecture, version: string, work: string): void {
  const root = join(work, 'root');
  const system = join(work, 'system');
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    mkdirSync(join(root, 'usr', name), { recursive: true });
    symlinkSync(join('usr', name), join(root, name));
  }
  mkdirSync(system);

  const suite = kernelSuites.get(version) ?? guestSuite;
  const apt = openApt(architecture, join(work, 'apt'), [...new Set([guestSuite, suite])]);
  const { debian } = processors[architecture];
  const image = version === largePagesKernel ? `linux-image-${debian}-16k` : `linux-image-cloud-${debian}`;
  unpackKernel(apt, `${image}/${suite}`, root);
  const release = only(readdirSync(join(root, 'lib/modules')));
  // Debian 13 has the kernel among its modules.
  const places = [join('boot', `vmlinuz-${release}`), join('lib/modules', release, 'vmlinuz')];
  const kernel = only(places.map((place) => join(root, place)).filter(existsSync));
  renameSync(kernel, join(system, 'vmlinuz'));
  unpackWithDependencies(apt, packages, root);

  // A guest of another architecture than this host's has one that cannot run here.
  const busybox = architecture === hostArchitecture() ? join(root, 'usr/bin/busybox') : 'busybox';
  run(busybox, ['depmod', '-b', root, release]);
  linkApplets(busybox, root);
  linkIptables(root);
  writeAccounts(root);
  makeInitramfs(busybox, root, release, work, join(system, 'initramfs'));
  for (const name of ['proc', 'sys', 'dev', 'run', 'tmp', 'root', 'home/user', 'tsoci', 'mnt'])
    mkdirSync(join(root, name), { recursive: true });
  if (hasSelinux(architecture)) makePolicy(root, work);
  const disk = join(system, 'disk.img');
  makeDisk(root, disk, '2G');
  if (hasSelinux(architecture)) labelDisk(root, disk);
}

function only(names: string[]): string {
  const [name, ...others] = names;
  if (name === undefined || others.length > 0) throw new Error(`expected one name, found ${names.join(' ')}`);
  return name;
}

/** busybox stands in for every command that no package brought. */
function linkApplets(busybox: string, root: string): void {
  for (const applet of run(busybox, ['--list']).trim().split('\n')) {
    const places = ['usr/bin', 'usr/sbin'].map((directory) => join(root, directory, applet));
    if (!places.some((place) => existsSync(place)))
      symlinkSync('/bin/busybox', join(root, 'usr/bin', applet));
  }
  symlinkSync('/bin/busybox', join(root, 'usr/sbin/modprobe')); // where the kernel looks for it
}

/** What the package leaves to update-alternatives(1). */
function linkIptables(root: string): void {
  for (const family of ['iptables', 'ip6tables'])
    for (const name of [family, `${family}-save`, `${family}-restore`])
      symlinkSync('xtables-nft-multi', join(root, 'usr/sbin', name));
}

function writeAccounts(root: string): void {
  const write = (name: string, lines: string[]) =>
    writeFileSync(join(root, 'etc', name), `${lines.join('\n')}\n`);
  write('passwd', users);
  write('group', groups);
  write('subuid', ['user:100000:65536']);
  write('subgid', ['user:100000:65536']);
  write('hostname', ['guest']);
  write('machine-id', ['0123456789abcdef0123456789abcdef']); // without one, systemd asks questions at boot
}

function makeInitramfs(busybox: string, root: string, release: string, work: string, output: string): void {
  const tree = join(work, 'initramfs');
  const modules = join('lib/modules', release);
  for (const name of ['bin', 'dev', 'proc', 'root', modules])
    mkdirSync(join(tree, name), { recursive: true });
  cpSync(join(root, 'usr/bin/busybox'), join(tree, 'bin/busybox'));
  cpSync(join(import.meta.dirname, 'boot/initramfs.sh'), join(tree, 'init'));
  for (const name of ['modules.dep', 'modules.builtin', ...moduleFiles(join(root, modules), earlyModules)])
    cpSync(join(root, modules, name), join(tree, modules, name));
  const names = readdirSync(tree, { recursive: true, encoding: 'utf8' }).join('\n');
  run(busybox, ['cpio', '-o', '-H', 'newc', '-F', output], { cwd: tree, input: names });
}

/** The files of modules and of those they depend on (modules.dep(5)); a module that is built in has none. */
function moduleFiles(directory: string, modules: string[]): Set<string> {
  const files = new Set<string>();
  for (const line of readFileSync(join(directory, 'modules.dep'), 'utf8').split('\n')) {
    const [file, ...dependencies] = line.replace(':', '').split(' ').filter(Boolean);
    const name = file?.match(/([^/]+)\.ko/)?.[1];
    if (file && name && modules.includes(name)) for (const each of [file, ...dependencies]) files.add(each);
  }
  return files;
}
