// Mount options: those that runc knows, and those of mount(8) that are not the kernel's.

import { spawnSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { knownMountOptions, parseMountOptions } from '../../src/config/mount-options.ts';
import { MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSUID } from '../../src/linux/constants.ts';
import { Sandbox } from './harness.ts';

const test = suite('mount options');
const box = new Sandbox();

const { status, stdout } = spawnSync('runc', ['features'], { encoding: 'utf8', timeout: 20_000 });
if (status !== 0) console.log('skipped: runc is not installed, or has no features');
else
  test('all of runc are known', () => {
    const theirs = JSON.parse(stdout).mountOptions as string[];
    assert.ok(theirs.includes('noacl'));
    assert.equal(
      theirs.filter((option) => !knownMountOptions.includes(option)),
      [],
    );
  });

test('no known option is passed to the filesystem as it is, but for acl where it has a meaning', () => {
  for (const option of knownMountOptions) assert.equal(parseMountOptions([option]).data, [], option);
  assert.equal(parseMountOptions(['size=1k', 'acl']).data, ['size=1k']);
});

test('options of mount(8) for ordinary users set what they imply, and comments nothing', () => {
  const all = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  assert.is(parseMountOptions(['user']).attributes.set, all);
  assert.is(parseMountOptions(['users', 'exec']).attributes.set, all & ~MOUNT_ATTR_NOEXEC);
  assert.is(parseMountOptions(['owner']).attributes.set, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
  const nothing = parseMountOptions([]);
  assert.equal(parseMountOptions(['x-systemd.automount', 'comment=mine', 'nouser', 'nofail']), nothing);
  assert.equal(parseMountOptions(['X-mount.subdir=x']).data, ['X-mount.subdir=x'], 'not to be ignored');
});

test('a tmpfs with acl or noacl is mounted', () => {
  const output = box.run('grep " /mnt" /proc/self/mounts', (config) => {
    for (const option of ['acl', 'noacl'])
      config.mounts?.push({ destination: `/mnt/${option}`, type: 'tmpfs', options: [option, 'users'] });
  });
  const lines = output.trim().split('\n');
  assert.is(lines.length, 2, output);
  for (const line of lines) assert.match(line, / tmpfs rw,nosuid,nodev,noexec,/);
});

test('of many mounts each is done in its turn, also where the destination is missing', () => {
  const output = box.run('grep -c " /many/" /proc/self/mounts; cat /many/35/in/name; ls /many', (config) => {
    for (let i = 0; i < 40; i++) config.mounts?.push({ destination: `/many/${i}`, type: 'tmpfs' });
    config.mounts?.push({ destination: '/many/35/in', type: 'tmpfs', options: ['size=64k'] });
    config.mounts?.push({ destination: '/many/35/in/name', source: '/etc/hostname', options: ['bind'] });
  });
  assert.match(output, /^42\n/);
});

test('a mount that fails among others is told by its own words', () => {
  box.configure('true', (config) => {
    for (let i = 0; i < 3; i++) config.mounts?.push({ destination: `/few/${i}`, type: 'tmpfs' });
    config.mounts?.push({ destination: '/few/wrong', type: 'tmpfs', options: ['nosuch=1'] });
    for (let i = 3; i < 6; i++) config.mounts?.push({ destination: `/few/${i}`, type: 'tmpfs' });
  });
  const { status, stderr } = box.tsoci('run', box.id());
  assert.is(status, 1);
  assert.match(stderr, /mount tmpfs on \/few\/wrong: option nosuch=1: EINVAL .*Unknown parameter 'nosuch'/);
});

test.after(() => box.close());
test.run();
