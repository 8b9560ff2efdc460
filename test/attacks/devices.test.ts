// Attacks on the runtime's use of files in the container's /dev.

import { spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Change, Sandbox, TIMEOUT, tsociPath, userNamespace } from '../container/harness.ts';
import { attempt, attemptOnTerminal, refused } from './support.ts';

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

// Also CVE-2025-62161 of youki. Seen with the mask taken from the container's /dev/null: a regular file.
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

for (const target of ['the absolute path', 'the relative path', '/proc/self/root']) {
  for (const [how, change] of [
    ['', noDev],
    [', with a tmpfs on /dev', () => {}],
  ] as const) {
    test(`CVE-2026-41579: /dev as a symlink leads nothing to the host: ${target}${how}`, () => {
      const outside = join(box.directory, 'outside');
      mkdirSync(outside, { mode: 0o700 });
      rmSync(dev, { recursive: true, force: true });
      const to = { 'the absolute path': outside, 'the relative path': '../../../outside' }[target];
      symlinkSync(to ?? `${target}${outside}`, dev);
      const { mode, uid, mtimeMs } = statSync(outside);
      try {
        attempt(box, 'echo alive; chmod 777 /dev; chown 1 /dev', change);
        assert.equal(readdirSync(outside), []);
        const after = statSync(outside);
        assert.equal([after.mode, after.uid, after.mtimeMs], [mode, uid, mtimeMs]);
      } finally {
        rmSync(dev);
        rmSync(outside, { recursive: true });
        mkdirSync(dev);
      }
    });
  }
}

// Seen without O_NOFOLLOW in bindConsole: /target was no regular file any more.
test('CVE-2025-52565: a symlink at /dev/console leads the terminal nowhere', () => {
  empty();
  symlinkSync('/target', join(dev, 'console'));
  writeFileSync(join(box.rootfs, 'target'), 'bait');
  const { status, stdout } = attemptOnTerminal(box, 'stat -c %F /target', noDev);
  if (status === 0) assert.match(stdout, /^regular file/);
  assert.is(readFileSync(join(box.rootfs, 'target'), 'utf8'), 'bait');
});

// Seen without the check of its filesystem: the container ran, on a terminal that the image had chosen.
test('CVE-2025-52565: a device at /dev/pts/ptmx that is not of a devpts is not taken for a terminal', () => {
  empty();
  mkdirSync(join(dev, 'pts', 'pts'), { recursive: true });
  const ptmx = join(dev, 'pts', 'ptmx');
  assert.is(spawnSync('mknod', [ptmx, 'c', '5', '2']).status, 0);
  const result = attemptOnTerminal(box, 'echo alive', (config) => {
    config.mounts = (config.mounts ?? []).filter(({ destination }) => !destination.startsWith('/dev'));
    config.mounts.push({ destination: '/dev/pts/pts', type: 'devpts', source: 'devpts' });
  });
  refused(result, /is not on a devpts/);
});

// Asks for what is there already, so that no host is harmed where the defence is missing.
// Seen with the masks and the bound devices not read-only: the first container could do both, on the host's /dev/null.
for (const [where, script, change] of [
  ['a masked path', 'chmod 666 /proc/keys; chown 0:0 /proc/keys', () => {}],
  ['a bound device', 'touch /dev/null; chmod 666 /dev/null', userNamespace],
] as [string, string, Change][]) {
  test(`owner, mode and times of the host’s /dev/null cannot be changed through ${where}`, () => {
    const attack = `{ ${script}; } 2>&1 | grep -c 'Read-only file system'; echo > /dev/null && echo written`;
    const { stdout, stderr } = attempt(box, attack, (config) => {
      change(config);
      config.linux.maskedPaths = ['/proc/keys'];
      const held = ['CAP_CHOWN', 'CAP_FOWNER'];
      config.process.capabilities = { bounding: held, effective: held, permitted: held };
    });
    assert.is(stdout, '2\nwritten\n', stderr);
  });
}

/** A node of the null device that stands for one of the host. */
function hostNull(): { path: string; owner: () => string } {
  const path = join(box.directory, `null-${Math.random()}`);
  assert.is(spawnSync('mknod', ['-m', '666', path, 'c', '1', '3']).status, 0);
  const owner = () => {
    const { uid, gid, mode } = statSync(path);
    return `${uid}:${gid} ${(mode & 0o777).toString(8)}`;
  };
  return { path, owner };
}

// Seen before the owner was set only of nodes that mknod had made (this was a hole): 1000:1000.
test('a bound device of the host keeps its owner, whatever linux.devices says of that path', () => {
  const { path, owner } = hostNull();
  const { status, stderr } = attempt(box, 'echo > /dev/null', (config) => {
    config.mounts?.push({ destination: '/dev/null', type: 'bind', source: path, options: ['bind'] });
    config.linux.devices = [
      { path: '/dev/null', type: 'c', major: 1, minor: 3, uid: 1000, gid: 1000, fileMode: 0o600 },
    ];
  });
  assert.is(status, 0, stderr);
  assert.is(owner(), '0:0 666');
});

// Seen with files not left out in ownedStdio: 1000.
test('the files of the caller that are standard streams stay its own', () => {
  const file = join(box.directory, 'stream');
  writeFileSync(file, '');
  const id = box.id();
  box.configure('sleep 1000', ({ process }) => {
    process.user = { uid: 1000, gid: 1000 };
  });
  const stream = openSync(file, 'r+');
  const run = (...args: string[]) =>
    spawnSync(tsociPath, ['--root', box.root, ...args], {
      cwd: box.bundle,
      stdio: [stream, stream, stream],
      timeout: TIMEOUT,
    }).status;
  try {
    assert.is(run('run', '--detach', id), 0);
    assert.is(run('exec', id, 'echo', 'written'), 0);
  } finally {
    closeSync(stream);
  }
  assert.is(readFileSync(file, 'utf8'), 'written\n');
  assert.is(statSync(file).uid, 0);
  box.tsoci('delete', '--force', id);
});

// Seen with null devices not left out in ownedStdio: 1000:0.
for (const [what, change] of [
  ['', () => {}],
  [' in a user namespace', userNamespace],
] as [string, Change][]) {
  test(`a device of the host as a standard stream keeps its owner${what}`, () => {
    const { path, owner } = hostNull();
    const stream = openSync(path, 'r+');
    box.configure('true', (config) => {
      change(config);
      config.process.user = { uid: 1000, gid: 1000 };
    });
    const { status, stderr } = spawnSync(tsociPath, ['--root', box.root, 'run', box.id()], {
      cwd: box.bundle,
      encoding: 'utf8',
      timeout: 30_000,
      stdio: [stream, stream, 'pipe'],
    });
    closeSync(stream);
    assert.is(status, 0, stderr);
    assert.is(owner(), '0:0 666');
  });
}

test('devices of the host are as before after a user namespace, a terminal and bound devices', () => {
  const look = () =>
    ['null', 'zero', 'full', 'random', 'urandom', 'tty'].map((name) => {
      const { uid, gid, mode } = statSync(`/dev/${name}`);
      return `${name} ${uid}:${gid} ${mode.toString(8)}`;
    });
  const before = look();
  const attack = 'stat -c "%F %u:%g %a" /dev/fifo; chown 1:1 /dev/*; chmod 600 /dev/*; tty';
  const { status, stdout, stderr } = attemptOnTerminal(box, attack, (config) => {
    userNamespace(config);
    // What may be made is made, also where the rest is bound.
    config.linux.devices = [{ path: '/dev/fifo', type: 'p', fileMode: 0o640, uid: 7, gid: 8 } as never];
    const held = ['CAP_CHOWN', 'CAP_FOWNER', 'CAP_DAC_OVERRIDE'];
    config.process.capabilities = { bounding: held, effective: held, permitted: held };
  });
  assert.is(status, 0, stderr);
  assert.match(stdout, /^fifo 7:8 640/);
  assert.match(stdout, /\/dev\/pts\/0/);
  assert.equal(look(), before);
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
