// A cgroup on this host: made, filled, frozen, killed, removed. As root, on the host's cgroup2 mount.

import { closeSync, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  cgroupEvents,
  isFrozen,
  isPopulated,
  killCgroup,
  moveProcess,
  processesOf,
} from '../../src/cgroups/cgroup-processes.ts';
import { enableControllers } from '../../src/cgroups/controllers.ts';
import { createCgroup } from '../../src/cgroups/create-cgroup.ts';
import { freezeCgroup, thawCgroup } from '../../src/cgroups/freeze.ts';
import { removeCgroup } from '../../src/cgroups/remove.ts';
import { ended, inCgroup, sleeper, testPath, writableHierarchy } from './support.ts';

const test = suite('cgroups: life cycle');
const hierarchy = writableHierarchy();

if (hierarchy) {
  const { mountPoint } = hierarchy;
  const top = join(mountPoint, testPath(''));

  test('parents are made with the leaf and go with it', () => {
    const cgroup = createCgroup(hierarchy, testPath('a/b/c'));
    closeSync(cgroup.fd);
    assert.is(cgroup.directory, join(mountPoint, testPath('a/b/c')));
    assert.equal(
      readFileSync(join(cgroup.directory, 'cgroup.controllers'), 'utf8')
        .trim()
        .split(' ')
        .filter(Boolean)
        .sort(),
      [...cgroup.controllers].sort(),
    );
    removeCgroup(cgroup.directory, mountPoint);
    assert.not.ok(existsSync(top));
  });

  test('a parent stays while another container is in it, and goes with the last', () => {
    const [a, b] = ['a', 'b'].map((name) => createCgroup(hierarchy, testPath(name)));
    if (!a || !b) return;
    closeSync(a.fd);
    closeSync(b.fd);
    removeCgroup(a.directory, mountPoint);
    assert.ok(existsSync(b.directory));
    removeCgroup(b.directory, mountPoint);
    assert.not.ok(existsSync(top));
  });

  test('a parent that another made stays', () => {
    mkdirSync(top);
    const cgroup = createCgroup(hierarchy, testPath('a/b'));
    closeSync(cgroup.fd);
    removeCgroup(cgroup.directory, mountPoint);
    assert.ok(existsSync(top));
    assert.not.ok(existsSync(join(top, 'a')));
    rmdirSync(top);
  });

  test('removing what is gone, or was never there, is no error', () => {
    removeCgroup(join(mountPoint, testPath('a/b')), mountPoint);
  });

  test('an empty cgroup that exists is used; one with a process is refused and left alone', async () => {
    const first = createCgroup(hierarchy, testPath('a'));
    closeSync(first.fd);
    closeSync(createCgroup(hierarchy, testPath('a')).fd);
    const child = sleeper(first.directory);
    assert.throws(() => createCgroup(hierarchy, testPath('a')), new RegExp(`is not empty: .* ${child.pid}`));
    const end = ended(child);
    removeCgroup(first.directory, mountPoint);
    assert.is(await end, 'SIGKILL');
    assert.not.ok(existsSync(top));
  });

  test('a frozen cgroup is refused', () => {
    const cgroup = createCgroup(hierarchy, testPath('a'));
    closeSync(cgroup.fd);
    freezeCgroup(cgroup.directory);
    assert.throws(() => createCgroup(hierarchy, testPath('a')), /is frozen/);
    assert.throws(() => createCgroup(hierarchy, testPath('a/b')), /is frozen/);
    assert.not.ok(existsSync(join(cgroup.directory, 'b')));
    removeCgroup(cgroup.directory, mountPoint);
  });

  test('a missing controller is named with its file and field, and nothing is made', () => {
    const need = { controller: 'nosuch', file: 'nosuch.max', field: 'linux.resources.unified["nosuch.max"]' };
    assert.throws(
      () => createCgroup(hierarchy, testPath('a'), [need]),
      /linux\.resources\.unified\["nosuch\.max"\] \(file nosuch\.max\) needs the cgroup v2 controller nosuch/,
    );
    assert.not.ok(existsSync(top));
  });

  test('a parent with processes gives no controllers: an error only for a limit', () => {
    const [controller] = hierarchy.controllers;
    if (controller === undefined) return console.log('# skipped: cgroup v2 has no controller here');
    const parent = createCgroup(hierarchy, testPath('a'));
    closeSync(parent.fd);
    const child = sleeper(parent.directory);
    const need = { controller, file: 'a.max', field: 'linux.resources.a' };
    assert.throws(
      () => createCgroup(hierarchy, testPath('a/b'), [need]),
      new RegExp(`enable controller ${controller}, .*linux\\.resources\\.a.*EBUSY.*${child.pid}`),
    );
    assert.not.ok(existsSync(join(parent.directory, 'b')));
    const cgroup = createCgroup(hierarchy, testPath('a/b'));
    closeSync(cgroup.fd);
    assert.equal(cgroup.controllers, []);
    removeCgroup(parent.directory, mountPoint);
  });

  test('a parent with processes is not made the root of a threaded subtree', () => {
    if (!hierarchy.controllers.includes('pids')) return console.log('# skipped: no pids controller');
    const parent = createCgroup(hierarchy, testPath('a'));
    closeSync(parent.fd);
    sleeper(parent.directory);
    assert.equal(enableControllers(parent.directory, ['pids'], []), []);
    assert.is(readFileSync(join(parent.directory, 'cgroup.type'), 'utf8'), 'domain\n');
    removeCgroup(parent.directory, mountPoint);
  });

  test('below a threaded cgroup no container fits', () => {
    const parent = createCgroup(hierarchy, testPath('a'));
    closeSync(parent.fd);
    mkdirSync(join(parent.directory, 'threads'));
    writeFileSync(join(parent.directory, 'threads', 'cgroup.type'), 'threaded');
    assert.throws(() => createCgroup(hierarchy, testPath('a/threads/c')), /cgroup\.type is "domain invalid"/);
    assert.not.ok(existsSync(join(parent.directory, 'threads', 'c')));
    removeCgroup(parent.directory, mountPoint);
  });

  test('processes are listed, children included', () =>
    inCgroup(hierarchy, ({ directory }) => {
      assert.equal(processesOf(directory), []);
      assert.not.ok(isPopulated(directory));
      mkdirSync(join(directory, 'x/y'), { recursive: true });
      const pids = [directory, join(directory, 'x/y')].map((at) => sleeper(at).pid);
      assert.equal(processesOf(directory), pids);
      assert.ok(isPopulated(directory));
    }));

  test('kill reaches processes of child cgroups, frozen ones too', () =>
    inCgroup(hierarchy, async ({ directory }) => {
      mkdirSync(join(directory, 'x'));
      const children = [sleeper(directory), sleeper(join(directory, 'x'))];
      const ends = children.map(ended);
      freezeCgroup(directory);
      killCgroup(directory);
      assert.equal(await Promise.all(ends), ['SIGKILL', 'SIGKILL']);
    }));

  test('freeze stops processes and thaw lets them go on', () =>
    inCgroup(hierarchy, ({ directory }) => {
      sleeper(directory);
      freezeCgroup(directory);
      assert.equal(cgroupEvents(directory), { populated: true, frozen: true });
      thawCgroup(directory);
      assert.not.ok(isFrozen(directory));
    }));

  test('a cgroup below a frozen one is frozen, and cannot be thawed alone', () =>
    inCgroup(hierarchy, ({ directory }) => {
      const child = join(directory, 'x');
      mkdirSync(child);
      sleeper(child);
      freezeCgroup(directory);
      assert.ok(isFrozen(child));
      assert.throws(
        () => thawCgroup(child),
        /thaw cgroup .*x: cgroup .* is frozen, with all that is below it/,
      );
    }));

  test('a process that cannot move in: the error says what and where', () =>
    inCgroup(hierarchy, ({ directory }) => {
      const nobody = 2 ** 22;
      assert.throws(() => moveProcess(directory, nobody), /move process 4194304 into cgroup .*ESRCH|EINVAL/);
    }));

  test('many containers leave nothing behind', () => {
    for (let i = 0; i < 200; i++) {
      const cgroup = createCgroup(hierarchy, testPath(String(i)));
      closeSync(cgroup.fd);
      assert.ok(existsSync(cgroup.directory));
      removeCgroup(cgroup.directory, mountPoint);
      assert.not.ok(existsSync(top));
    }
  });
}

test.run();
