// tmpcopyup: what is in a tmpfs that starts with what the image has at its place.

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lutimesSync,
  mkdirSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Change, Sandbox, userNamespace } from './harness.ts';

const test = suite('tmpcopyup');
const box = new Sandbox();
const directory = join(box.rootfs, 'copied');

const look = `cd /copied; stat -c '%n %F %a %u:%g %s %Y' a deep deep/b link fifo; readlink link
  test -e device && stat -c '%n %F %a %u:%g %t:%T' device
  grep -c b deep/b; ls -a; test -e "$(printf 'n\\377')" && echo name`;

/** The tree, owned by a user of the container whose root is `root` on the host. */
function makeTree(root: number): void {
  spawnSync('rm', ['-rf', directory]);
  mkdirSync(join(directory, 'deep'), { recursive: true });
  writeFileSync(join(directory, 'a'), '');
  writeFileSync(join(directory, 'deep/b'), 'b'.repeat(100_000));
  // A name that is not UTF-8.
  writeFileSync(Buffer.concat([Buffer.from(join(directory, 'n')), Buffer.from([0xff])]), '');
  symlinkSync('/proc/self/exe', join(directory, 'link'));
  spawnSync('mkfifo', ['--mode=711', join(directory, 'fifo')]);
  spawnSync('mknod', ['--mode=640', join(directory, 'device'), 'c', '1', '3']);
  chownSync(join(directory, 'a'), root + 5, root + 6);
  chmodSync(join(directory, 'a'), 0o4751);
  for (const path of ['deep', 'deep/b', 'link', 'fifo', 'device'])
    spawnSync('chown', ['-h', `${root}:${root}`, join(directory, path)]);
  chmodSync(join(directory, 'deep'), 0o1770);
  for (const [i, path] of ['a', 'deep', 'deep/b', 'fifo'].entries())
    utimesSync(join(directory, path), 0, 1000 + i);
  lutimesSync(join(directory, 'link'), 0, 2000);
}

const copied: Change = ({ mounts }) => {
  mounts?.push({ destination: '/copied', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup', 'ro'] });
};

for (const [what, root, change] of [
  ['as root', 0, copied],
  [
    'in a user namespace',
    100_000,
    (config) => {
      userNamespace(config);
      copied(config);
    },
  ],
] as [string, number, Change][]) {
  test(`${what}: content, type, mode, owner and times of all but devices that may not be made`, () => {
    makeTree(root);
    const device = root === 0;
    assert.equal(box.run(look, change).trim().split('\n'), [
      'a regular empty file 4751 5:6 0 1000',
      'deep directory 1770 0:0 60 1001',
      'deep/b regular file 644 0:0 100000 1002',
      'link symbolic link 777 0:0 14 2000',
      'fifo fifo 711 0:0 0 1003',
      '/proc/self/exe',
      ...(device ? ['device character special file 640 0:0 1:3'] : []),
      '1',
      ...['.', '..', 'a', 'deep', ...(device ? ['device'] : []), 'fifo', 'link', 'n?'],
      'name',
    ]);
  });
}

test('a tmpfs that is too small is an error that names the file, and leaves nothing', () => {
  makeTree(0);
  box.configure('true', (config) => {
    const options = ['tmpcopyup', 'size=8k'];
    config.mounts?.push({ destination: '/copied', type: 'tmpfs', source: 'tmpfs', options });
  });
  const { status, stderr } = box.tsoci('run', box.id());
  assert.is(status, 1);
  assert.match(stderr, /copy \/copied\/deep\/b up into its tmpfs: ENOSPC/);
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
