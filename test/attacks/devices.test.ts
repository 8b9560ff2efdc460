// Attacks on the runtime's use of files in the container's /dev.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Sandbox } from '../container/harness.ts';
import { attempt, type Change, refused } from './support.ts';

const test = suite('devices');
const box = new Sandbox();
const dev = join(box.rootfs, 'dev');

const noDev: Change = (config) => {
  config.mounts = (config.mounts ?? []).filter(({ destination }) => destination !== '/dev');
};

function empty(): void {
  rmSync(dev, { recursive: true, force: true });
  mkdirSync(dev);
}

// Seen without checkExisting: the container ran.
test('CVE-2025-31133: an image whose /dev/null is something else is refused', () => {
  empty();
  symlinkSync('/proc/sys/kernel/core_pattern', join(dev, 'null'));
  refused(attempt(box, 'echo alive', noDev), /make device \/dev\/null: a file that is not this device/);
});

// Seen with the mask taken from the container's /dev/null: a regular file.
test('CVE-2025-31133: masked paths get the null device of the host', () => {
  const own = join(box.directory, 'dev');
  mkdirSync(own);
  symlinkSync('/proc/sys/kernel/core_pattern', join(own, 'null'));
  empty();
  const { status, stdout, stderr } = attempt(
    box,
    'stat -c "%F %t:%T" /proc/keys /proc/timer_list',
    (config) => {
      config.mounts = (config.mounts ?? [])
        .filter(({ destination }) => !destination.startsWith('/dev'))
        .concat({ destination: '/dev', type: 'bind', source: own, options: ['rbind'] });
      config.linux.maskedPaths = ['/proc/keys', '/proc/timer_list'];
    },
  );
  assert.is(status, 0, stderr);
  assert.is(stdout, 'character special file 1:3\ncharacter special file 1:3\n');
});

// Seen without O_NOFOLLOW in bindConsole: /target was no regular file any more.
test('CVE-2025-52565: a symlink at /dev/console leads the terminal nowhere', () => {
  empty();
  symlinkSync('/target', join(dev, 'console'));
  writeFileSync(join(box.rootfs, 'target'), 'bait');
  const { status, stdout } = attempt(box, 'stat -c %F /target', (config) => {
    noDev(config);
    config.process.terminal = true;
  });
  if (status === 0) assert.match(stdout, /^regular file/);
  assert.is(readFileSync(join(box.rootfs, 'target'), 'utf8'), 'bait');
});

// Seen without the check of its filesystem: the container ran, on a terminal that the image had chosen.
test('CVE-2025-52565: a device at /dev/pts/ptmx that is not of a devpts is not taken for a terminal', () => {
  empty();
  mkdirSync(join(dev, 'pts', 'pts'), { recursive: true });
  const ptmx = join(dev, 'pts', 'ptmx');
  assert.is(spawnSync('mknod', [ptmx, 'c', '5', '2']).status, 0);
  const result = attempt(box, 'echo alive', (config) => {
    config.mounts = (config.mounts ?? []).filter(({ destination }) => !destination.startsWith('/dev'));
    config.mounts.push({ destination: '/dev/pts/pts', type: 'devpts', source: 'devpts' });
    config.process.terminal = true;
  });
  refused(result, /is not on a devpts/);
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
