// Files of the host come and go while a plan looks at them, such as the cgroups and processes of others: then it is as if
// they had not been there, and no error.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MOUNT_ATTR_RDONLY } from '../../src/linux/constants.ts';
import { ENOENT } from '../../src/linux/errno.ts';
import { OpenFiles } from '../../src/plan/open-files.ts';
import { Filesystem, Mount, Place, resolve } from '../../src/plan/planned-files.ts';
import { writeStatx } from '../../src/plan/planned-stat.ts';

const test = suite('plan: files');
const host = mkdtempSync(join(tmpdir(), 'planned-'));

test('a directory that vanishes is empty, a file is not there', () => {
  mkdirSync(join(host, 'cgroup'));
  writeFileSync(join(host, 'cgroup', 'file'), 'text');
  const root = new Place(new Mount(new Filesystem([host])));
  const at = (path: string) => {
    const place = resolve(root, path);
    if (typeof place === 'number') throw new Error(`${path}: ${place}`);
    return place;
  };
  const [directory, file] = [at('/cgroup'), at('/cgroup/file')];
  const files = new OpenFiles(new Map(), root);
  const [listed, unread] = [files.openPlace(directory, 0), files.openPlace(file, 0)];
  assert.equal(directory.list(), ['file']);
  rmSync(join(host, 'cgroup'), { recursive: true });
  assert.equal(directory.list(), []);
  assert.is(file.node(), undefined);
  assert.is(typeof directory.magic(), 'number');
  writeStatx(file, Buffer.alloc(256));
  assert.is(files.send(unread), 0);
  assert.is(files.readDirectory(listed, 1000).length > 0, true, '. and .. at least');
  assert.is(resolve(root, '/cgroup/file'), -ENOENT);
});

// Seen as a stack overflow: the directory of the bundle was bound into its root filesystem.
test('a copy of a tree of mounts is another tree', () => {
  const mount = () => new Mount(new Filesystem([host]));
  const [root, below, deeper] = [mount(), mount(), mount()];
  root.mounts.set('/a', below);
  below.mounts.set('/b', deeper);
  const copy = new Place(root).clone(true);
  deeper.mounts.set('/c', copy);
  copy.change(MOUNT_ATTR_RDONLY, 0, true);
  const copied = copy.mounts.get('/a')?.mounts.get('/b');
  assert.is(copied?.has(MOUNT_ATTR_RDONLY), true);
  assert.is(copied?.mounts.size, 0);
  assert.is(deeper.has(MOUNT_ATTR_RDONLY), undefined);
});

test.after(() => rmSync(host, { recursive: true, force: true }));
test.run();
