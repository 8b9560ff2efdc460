// Attacks on where mounts land, and on what is made on the way there.

import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AT_FDCWD, O_DIRECTORY } from '../../src/linux/constants.ts';
import { copyUp } from '../../src/rootfs/copy-up.ts';
import { observeStubs } from '../../src/stub/observer.ts';
import { type Change, Sandbox, tsociPath, userNamespace } from '../container/harness.ts';
import { withStub } from '../security/stub.ts';
import { attempt } from './support.ts';

const test = suite('mount destinations');
const box = new Sandbox();
const outside = join(box.directory, 'outside');
mkdirSync(outside);

const TRIES = 12;

/** Exchanges a directory and a symlink as fast as it can, for at most a minute. */
const exchanger = `
  const { renameSync } = require('node:fs');
  const [dir, link, spare] = process.argv.slice(1);
  const end = Date.now() + 60000;
  while (Date.now() < end) {
    for (let i = 0; i < 100; i++) {
      renameSync(dir, spare); renameSync(link, dir);
      renameSync(dir, link); renameSync(spare, dir);
    }
  }`;

// Also CVE-2019-18837 of crun. Seen with RESOLVE_IN_ROOT and RESOLVE_NO_MAGICLINKS off: the hook found mounts on the outside directory.
test('CVE-2021-30465: a destination that is exchanged with a symlink never leads out', () => {
  const volume = join(box.rootfs, 'volume');
  const seen = join(box.directory, 'seen');
  mkdirSync(join(volume, 'data'), { recursive: true });
  symlinkSync(outside, join(volume, 'link'));
  const args = ['data', 'link', 'spare'].map((name) => join(volume, name));
  const racer = spawn(process.execPath, ['-e', exchanger, ...args], { stdio: 'ignore' });
  try {
    for (let i = 0; i < TRIES; i++) {
      attempt(box, 'true', (config) => {
        for (let j = 0; j < 10; j++)
          config.mounts?.push({ destination: '/volume/data', type: 'tmpfs', source: 'tmpfs' });
        // Before pivot_root, in the container's mount namespace: where an attack would have landed.
        const look = `grep -F ' ${outside} ' /proc/self/mountinfo >>${seen}; true`;
        config.hooks = { createContainer: [{ path: '/bin/sh', args: ['sh', '-c', look] }] };
      });
    }
  } finally {
    racer.kill('SIGKILL');
  }
  assert.is(existsSync(seen) ? readFileSync(seen, 'utf8') : '', '');
  assert.equal(readdirSync(outside), []);
});

// Seen without O_NOFOLLOW in copy-up.ts: the secret was copied.
for (const what of ['file', 'directory'] as const) {
  test(`tmpcopyup follows no link that takes the place of a ${what} at the last moment`, () => {
    const [image, copy, secret] = ['image', 'copy', 'secret'].map((name) =>
      join(box.directory, `${what}-${name}`),
    );
    if (!image || !copy || !secret) return;
    for (const path of [image, copy, secret]) mkdirSync(path);
    writeFileSync(join(secret, 'file'), 'secret');
    const data = join(image, 'data');
    if (what === 'file') writeFileSync(data, 'public');
    else mkdirSync(data);
    withStub((stub) => {
      const program = stub.program();
      const [from, to] = [image, copy].map((path) =>
        program.open('openat', [AT_FDCWD, path, O_DIRECTORY, 0], path),
      );
      stub.run(program);
      const stop = observeStubs({
        decodes: false,
        sending(_, { operations }) {
          // It has been looked at, and is opened next.
          if (!operations.some(({ call, args }) => call === 'openat' && args[0] !== from && args[1] !== '.'))
            return;
          rmSync(data, { recursive: true });
          symlinkSync(what === 'file' ? join(secret, 'file') : secret, data);
          stop();
        },
        replied() {},
      });
      assert.throws(
        () => copyUp(stub, { from: from ?? -1, to: to ?? -1, path: '/x' }),
        /copy \/x\/data .*: (ELOOP|ENOTDIR)/,
      );
    });
    assert.equal(readdirSync(copy), []);
  });
}

// Seen with RESOLVE_IN_ROOT and RESOLVE_NO_MAGICLINKS off: `made` and `file` were on the host.
for (const [what, target] of [
  ['an absolute symlink', outside],
  ['a relative symlink', '../../outside'],
  ['/proc/self/root', `/proc/self/root${outside}`],
] as const) {
  test(`CVE-2024-45310: no directory or file is made outside through ${what}`, () => {
    const link = join(box.rootfs, 'way');
    rmSync(link, { force: true });
    symlinkSync(target, link);
    attempt(box, 'true', (config) => {
      config.mounts?.push(
        { destination: '/way/made/deep', type: 'tmpfs', source: 'tmpfs' },
        { destination: '/way/file', type: 'bind', source: '/etc/passwd', options: ['bind'] },
      );
    });
    assert.equal(readdirSync(outside), []);
    attempt(box, 'true', (config) => {
      config.process.cwd = '/way/directory';
      config.linux.devices = [{ path: '/way/null', type: 'c', major: 1, minor: 3 }];
    });
    assert.equal(readdirSync(outside), []);
    rmSync(link);
  });
}

const without =
  (...types: string[]): Change =>
  (config) => {
    config.linux.namespaces = (config.linux.namespaces ?? []).filter(({ type }) => !types.includes(type));
  };
const boundSys: Change = (config) => {
  config.mounts = (config.mounts ?? []).map((mount) =>
    mount.type === 'sysfs' ? { ...mount, type: 'bind', source: '/sys', options: ['rbind', 'ro'] } : mount,
  );
};

// Seen with the option ro of a cgroup mount dropped: directories were made in the first two; the last two found it no
// read-only filesystem.
for (const [what, changes] of [
  ['with a cgroup namespace', []],
  ['without a cgroup namespace', [without('cgroup')]],
  ['in a user namespace', [userNamespace]],
  [
    'in a user namespace without a cgroup namespace, /sys bound',
    [without('cgroup'), userNamespace, boundSys],
  ],
] as [string, Change[]][]) {
  test(`CVE-2023-25809: the cgroup mount is not writable ${what}`, () => {
    const script = `mkdir /sys/fs/cgroup/attack
      for d in /sys/fs/cgroup/*/; do mkdir $d/attack 2>/dev/null && echo made in $d; done; true`;
    const { status, stdout, stderr } = attempt(box, script, (config) => {
      for (const change of changes) change(config);
    });
    assert.is(status, 0, stderr);
    assert.is(stdout, '');
    assert.match(stderr, /Read-only file system/);
  });
}

// Seen without the old root made a slave: /sys/fs/cgroup, /dev/shm and /dev/pts of the host were unmounted.
for (const flags of [[], ['--no-pivot']]) {
  test(`rootfsPropagation shared leaves the mounts of the host alone ${flags.join(' ')}`, () => {
    box.configure('true', (config) => {
      config.linux.rootfsPropagation = 'shared';
    });
    const inside = [
      'mount --make-rshared /; cat /proc/self/mountinfo >"$1"; shift; "$@"; cat /proc/self/mountinfo >after',
      'sh',
      'before',
      ...[tsociPath, '--root', box.root, 'run', '--bundle', box.bundle, ...flags, box.id()],
    ];
    const { status, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', ...inside], {
      cwd: box.directory,
      encoding: 'utf8',
      timeout: 60_000,
    });
    assert.is(status, 0, stderr);
    const [before, after] = ['before', 'after'].map((name) =>
      readFileSync(join(box.directory, name), 'utf8'),
    );
    assert.is(after, before);
  });
}

// Seen with all paths opened before any is mounted on: the secret was read. With read-only paths in the order of the
// config: the volume was written to.
test('a path is masked in a read-only one, and in both lists; a read-only mount in one is read-only', () => {
  const made = join(box.rootfs, 'guarded');
  mkdirSync(join(made, 'volume'), { recursive: true });
  for (const name of ['masked', 'both']) writeFileSync(join(made, name), 'secret');
  const script =
    'cat /guarded/masked /guarded/both; for d in /guarded /guarded/volume; do touch $d/x; done; true';
  const { stdout, stderr } = attempt(box, script, (config) => {
    config.mounts?.push({ destination: '/guarded/volume', type: 'tmpfs', source: 'tmpfs' });
    config.linux.readonlyPaths = ['/guarded', '/guarded/volume', '/guarded/both'];
    config.linux.maskedPaths = ['/guarded/masked', '/guarded/both'];
  });
  assert.is(stdout, '');
  assert.is(stderr.match(/Read-only file system/g)?.length, 2, stderr);
});

// Seen before: one mount for each.
test('what is listed twice is mounted once', () => {
  const { stdout, stderr } = attempt(
    box,
    'grep -c -e " /etc " -e " /bin " /proc/self/mounts',
    ({ linux }) => {
      linux.maskedPaths = ['/etc', '/none', '/etc'];
      linux.readonlyPaths = ['/bin', '/bin'];
    },
  );
  assert.equal([stdout, stderr], ['2\n', '']);
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
