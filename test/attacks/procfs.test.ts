// Attacks that put something between the runtime and procfs.

import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Mount } from '../../src/config/generated/types.ts';
import { type Change, Sandbox } from '../container/harness.ts';
import { attempt, refused } from './support.ts';

const test = suite('procfs');
const box = new Sandbox();

// Seen without refuseOnProc: the container ran, in all five.
for (const destination of ['/proc', '/proc/self/attr', '/proc/sys', '/innocent', '/tmp/../proc/./sys']) {
  test(`CVE-2019-16884: a mount over ${destination} is refused`, () => {
    rmSync(join(box.rootfs, 'innocent'), { force: true });
    symlinkSync('/proc', join(box.rootfs, 'innocent'));
    const evil = join(box.directory, 'evil');
    mkdirSync(join(evil, 'self', 'attr'), { recursive: true });
    writeFileSync(join(evil, 'self', 'attr', 'exec'), '');
    const result = attempt(box, 'echo alive', (config) => {
      config.mounts?.push({ destination, type: 'bind', source: evil, options: ['rbind'] });
    });
    refused(result, /only a procfs may be mounted|could deceive security modules/);
    rmSync(join(box.rootfs, 'innocent'));
  });
}

/** The mounts of the config without procfs, and one more. */
function inPlaceOfProc(mount: Mount): Change {
  return (config) => {
    config.mounts = [...(config.mounts ?? []).filter(({ type }) => type !== 'proc'), mount];
  };
}

const fake = join(box.directory, 'fake');
for (const path of [join(fake, 'self', 'attr'), box.root]) mkdirSync(path, { recursive: true });
const halfProc: Mount = { destination: '/proc', type: 'bind', source: '/proc/sys', options: ['bind'] };

// Seen while only what lay on procfs already was refused (this was a hole): the container ran, in all of them.
for (const [what, mount] of [
  ['a directory', { destination: '/proc', type: 'bind', source: fake, options: ['rbind', 'rprivate'] }],
  ['a tmpfs', { destination: '/proc', type: 'tmpfs', source: 'tmpfs' }],
  ['a tmpfs, by another name,', { destination: '/tmp/..//proc/.', type: 'tmpfs', source: 'tmpfs' }],
  [
    'an overlay',
    { destination: '/proc', type: 'overlay', source: 'x', options: [`lowerdir=${fake}:${box.root}`] },
  ],
  ['a part of procfs', halfProc],
  ['a tmpfs, through a link,', { destination: '/innocent', type: 'tmpfs', source: 'tmpfs' }],
  ['a link and a tmpfs', { destination: '/innocent/../proc', type: 'tmpfs', source: 'tmpfs' }],
  ['a tmpfs, through the root,', { destination: '/again/proc', type: 'tmpfs', source: 'tmpfs' }],
  ['a file of the image', { destination: '/proc/sys', type: 'tmpfs', source: 'tmpfs' }],
] as [string, Mount][]) {
  test(`CVE-2019-16884: ${what} in place of procfs is refused`, () => {
    const links = ['innocent', 'again'].map((name) => join(box.rootfs, name));
    links.forEach((link, i) => {
      symlinkSync(['/proc', '/'][i] ?? '', link);
    });
    try {
      const result = attempt(box, 'echo alive', inPlaceOfProc(mount));
      refused(result, /only a procfs may be mounted|could deceive security modules/);
    } finally {
      for (const link of links) rmSync(link);
    }
  });
}

// Seen while a slash stayed at the end of a destination: it was no procfs at /proc.
for (const destination of ['/proc/', '//proc', 'proc']) {
  test(`procfs may be mounted on ${destination}`, () => {
    const proc = inPlaceOfProc({ destination, type: 'proc', source: 'proc' });
    const { status, stderr } = attempt(box, 'test -e /proc/self/status', proc);
    assert.is(status, 0, stderr);
  });
}

// As docker run -v /proc:/proc has it.
test('the procfs of the host, bound on /proc, is one; it is masked as any other', () => {
  const script = 'cat /proc/sys/kernel/ostype /proc/kcore; echo x >/proc/sys/kernel/ostype; true';
  const bound: Mount = { destination: '/proc', type: 'bind', source: '/proc', options: ['rbind', 'rslave'] };
  const { status, stdout, stderr } = attempt(box, script, inPlaceOfProc(bound));
  assert.is(status, 0, stderr);
  assert.is(stdout, 'Linux\n');
  assert.match(stderr, /Read-only file system/);
});

test('what lxcfs puts on procfs is let pass, also on one that is bound', () => {
  const cpuinfo = join(box.directory, 'cpuinfo');
  writeFileSync(cpuinfo, 'one\n');
  for (const change of [
    () => {},
    inPlaceOfProc({ destination: '/proc', type: 'bind', source: '/proc', options: ['rbind', 'rslave'] }),
  ] satisfies Change[]) {
    const { status, stdout, stderr } = attempt(box, 'cat /proc/cpuinfo /proc/uptime', (config) => {
      change(config);
      for (const destination of ['/proc/cpuinfo', '/proc/uptime'])
        config.mounts?.push({ destination, type: 'bind', source: cpuinfo, options: ['bind', 'ro'] });
    });
    assert.is(status, 0, stderr);
    assert.is(stdout, 'one\none\n');
  }
});

// Seen while net/dev was among the files of lxcfs: the container ran.
test('CVE-2019-16884: /proc/net is a link into the directory of a process, and a mount there is refused', () => {
  const devices = join(box.directory, 'devices');
  writeFileSync(devices, '');
  const result = attempt(box, 'echo alive', (config) => {
    config.mounts?.push({ destination: '/proc/net/dev', type: 'bind', source: devices, options: ['bind'] });
  });
  refused(result, /could deceive security modules/);
});

// Also CVE-2019-19921, and CVE-2025-54867 of youki. Seen before RESOLVE_NO_SYMLINKS for proc and sysfs (this was a hole): the container ran, in all three.
for (const [cve, name, target] of [
  ['2023-27561', 'proc', '/elsewhere'],
  ['2023-28642', 'proc', 'tmp'],
  ['2023-28642', 'sys', '/elsewhere'],
] as const) {
  test(`CVE-${cve}: /${name} as a symlink to ${target} is refused`, () => {
    const path = join(box.rootfs, name);
    mkdirSync(join(box.rootfs, 'elsewhere'), { recursive: true });
    renameSync(path, `${path}.away`);
    symlinkSync(target, path);
    try {
      refused(attempt(box, 'echo alive'), new RegExp(`mount \\w+ on /${name}`));
    } finally {
      rmSync(path);
      renameSync(`${path}.away`, path);
    }
  });
}

// Also CVE-2025-62596 of youki. Seen with a sysctl written to the image's /proc in place of a private one: the kernel had 0.
test('CVE-2025-52881: a sysctl reaches the kernel, whatever the image has at /proc', () => {
  const directory = join(box.rootfs, 'proc', 'sys', 'net', 'ipv4');
  mkdirSync(directory, { recursive: true });
  mkdirSync(join(box.rootfs, 'real'));
  writeFileSync(join(directory, 'ip_forward'), 'bait');
  const { status, stdout, stderr } = attempt(box, 'cat /real/sys/net/ipv4/ip_forward', (config) => {
    config.mounts = (config.mounts ?? []).map((mount) =>
      mount.type === 'proc' ? { ...mount, destination: '/real' } : mount,
    );
    config.linux.sysctl = { 'net.ipv4.ip_forward': '1' };
    config.linux.maskedPaths = [];
    config.linux.readonlyPaths = [];
  });
  assert.is(status, 0, stderr);
  assert.is(stdout, '1\n');
  assert.is(readFileSync(join(directory, 'ip_forward'), 'utf8'), 'bait');
  rmSync(join(box.rootfs, 'proc', 'sys'), { recursive: true });
});

// Seen without openMountedProcfs: mount a private procfs: EPERM. The kernel lets nobody mount one who does not own the
// pid namespace.
test('CVE-2025-52881: a sysctl in a user namespace that shares the pid namespace of the host', () => {
  const { status, stdout, stderr } = attempt(box, 'cat /proc/sys/net/ipv4/ip_forward', (config) => {
    config.linux.namespaces = (config.linux.namespaces ?? []).filter(({ type }) => type !== 'pid');
    config.linux.namespaces.push({ type: 'user' });
    config.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    config.linux.gidMappings = config.linux.uidMappings;
    config.linux.sysctl = { 'net.ipv4.ip_forward': '1' };
    config.mounts = (config.mounts ?? []).map((mount) =>
      mount.type === 'proc' ? { ...mount, type: 'bind', source: '/proc', options: ['rbind'] } : mount,
    );
  });
  assert.is(status, 0, stderr);
  assert.is(stdout, '1\n');
});

// Seen without refuseOnProc, and with a sysctl written by path: the container ran.
test('CVE-2025-52881: nothing can be mounted where a sysctl or a label is written', () => {
  for (const destination of [
    '/proc/sys/net/ipv4/ip_forward',
    '/proc/self/attr/exec',
    '/proc/self/attr/apparmor',
  ]) {
    const bait = join(box.directory, 'bait');
    writeFileSync(bait, 'bait');
    const result = attempt(box, 'echo alive', (config) => {
      config.mounts?.push({ destination, type: 'bind', source: bait, options: ['bind'] });
      config.linux.sysctl = { 'net.ipv4.ip_forward': '1' };
    });
    assert.is.not(result.status, 0);
    assert.is(readFileSync(bait, 'utf8'), 'bait');
  }
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
