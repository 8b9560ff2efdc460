// Attacks that put something between the runtime and procfs.

import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Sandbox } from '../container/harness.ts';
import { attempt, refused } from './support.ts';

const test = suite('procfs');
const box = new Sandbox();

// Seen without refuseProc: the container ran, in all five.
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
    refused(result, /a mount on procfs could deceive security modules/);
    rmSync(join(box.rootfs, 'innocent'));
  });
}

// Seen before RESOLVE_NO_SYMLINKS for proc and sysfs (this was a hole): the container ran, in all three.
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

// Seen with a sysctl written to the image's /proc in place of a private one: the kernel had 0.
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

// Seen without refuseProc, and with a sysctl written by path: the container ran.
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
