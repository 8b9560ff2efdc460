// What is frozen answers nobody: no command may wait for it, unless it was asked to.

import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { writableHierarchy } from '../cgroups/support.ts';
import { eventually, Sandbox } from './harness.ts';

const test = suite('pause');
const hierarchy = writableHierarchy();

if (hierarchy) {
  const box = new Sandbox();

  function created(): string {
    const id = box.id();
    box.configure('sleep 1000');
    assert.is(box.detached('create', id), 0);
    return id;
  }

  function paused(): string {
    const id = created();
    assert.is(box.tsoci('pause', id).status, 0);
    assert.is(box.state(id).status, 'paused');
    return id;
  }

  // Seen with `created` looked for before `paused`: start, exec and resume waited for ever.
  test('a created container can be paused, resumed and then started', () => {
    const id = paused();
    assert.is(box.tsoci('resume', id).status, 0);
    assert.is(box.state(id).status, 'created');
    assert.is(box.tsoci('start', id).status, 0);
    assert.is(box.state(id).status, 'running');
    assert.is(box.tsoci('delete', '--force', id).status, 0);
  });

  for (const [command, ...args] of [['start'], ['exec', 'true'], ['pause'], ['delete']] as const) {
    test(`${command} of a paused container that was created only: an error that changes nothing`, () => {
      const id = paused();
      const { status, stderr } = box.tsoci(command, id, ...args);
      assert.ok(status !== 0);
      assert.match(stderr, /the container is paused/);
      assert.is(box.state(id).status, 'paused');
      assert.is(box.tsoci('delete', '--force', id).status, 0);
    });
  }

  test('kill of a paused container that was created only ends it', () => {
    const id = paused();
    assert.is(box.tsoci('kill', id, 'KILL').status, 0);
    eventually('it is stopped', () => box.state(id).status === 'stopped');
    assert.is(box.tsoci('delete', id).status, 0);
  });

  /** A cgroup that somebody has frozen, with containers below it. */
  function withFrozenParent(use: (parent: string, directory: string) => void): void {
    const parent = `/${box.id()}-frozen`;
    const directory = join(hierarchy?.mountPoint ?? '', parent);
    mkdirSync(directory);
    try {
      writeFileSync(join(directory, 'cgroup.freeze'), '1');
      use(parent, directory);
    } finally {
      writeFileSync(join(directory, 'cgroup.freeze'), '0');
      rmdirSync(directory);
    }
  }

  // Seen: it waited for its own init for ever.
  test('create below a frozen cgroup is an error that leaves nothing', () =>
    withFrozenParent((parent) => {
      const id = box.id();
      box.configure('true', ({ linux }) => {
        linux.cgroupsPath = `${parent}/${id}`;
      });
      const { status, stderr } = box.tsoci('create', id);
      assert.is(status, 1);
      assert.match(stderr, /cgroup .* is frozen, by its own cgroup.freeze or that of a cgroup above/);
      assert.match(box.tsoci('state', id).stderr, /does not exist/);
    }));

  test('a container below a cgroup that is frozen is paused, and resume tells why it cannot go on', () =>
    withFrozenParent((parent, directory) => {
      writeFileSync(join(directory, 'cgroup.freeze'), '0');
      const id = box.id();
      box.configure('sleep 1000', ({ linux }) => {
        linux.cgroupsPath = `${parent}/${id}`;
      });
      assert.is(box.detached('create', id), 0);
      writeFileSync(join(directory, 'cgroup.freeze'), '1');
      eventually('it is paused', () => box.state(id).status === 'paused');
      assert.match(box.tsoci('start', id).stderr, /the container is paused/);
      assert.match(box.tsoci('resume', id).stderr, /thaw cgroup .*: cgroup .* is frozen/);
      assert.is(box.tsoci('delete', '--force', id).status, 0);
    }));

  test('exec into a frozen cgroup of a container that runs is an error', () => {
    const id = created();
    assert.is(box.tsoci('start', id).status, 0);
    const frozen = join(hierarchy.mountPoint, 'tsoci', id, 'frozen');
    mkdirSync(frozen);
    writeFileSync(join(frozen, 'cgroup.freeze'), '1');
    assert.match(box.tsoci('exec', '--cgroup', 'frozen', id, 'true').stderr, /cgroup .*\/frozen is frozen/);
    assert.is(box.tsoci('exec', id, 'true').status, 0);
    assert.is(box.tsoci('delete', '--force', id).status, 0);
  });

  test('nothing is left behind', () => {
    assert.equal(box.leftovers(), []);
  });

  test.after(() => box.close());
}

test.run();
