// `create`, killed at any point, leaves nothing that `delete --force` does not remove.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readRecord } from '../../src/container/state/store.ts';
import { hasEnded, processStat } from '../../src/linux/procfs.ts';
import { sleeper, writableHierarchy } from '../cgroups/support.ts';
import { eventually, Sandbox, tsociPath } from './harness.ts';
import { killCreates, summary } from './killed-create.ts';

const test = suite('killed create');
const hierarchy = writableHierarchy();

if (hierarchy) {
  const box = new Sandbox();
  const path = (id: string) => `/${id}-parent/between/${id}`;
  const cgroupOf = (id: string) => join(hierarchy.mountPoint, path(id));
  const hasMemory = hierarchy.controllers.includes('memory');
  const configure = (id: string, hook?: string) =>
    box.configure('sleep 1000', (config) => {
      config.linux.cgroupsPath = path(id);
      config.linux.resources = {
        devices: [{ allow: false }],
        unified: { 'cgroup.max.descendants': '9', ...(hasMemory && { 'memory.max': '67108864' }) },
      };
      if (hook) {
        const poststop = [{ path: '/bin/true' }];
        config.hooks = { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', hook] }], poststop };
      }
    });
  const nothingLeft = () => {
    try {
      eventually('nothing is left', () => box.leftovers().length === 0);
    } catch {
      assert.equal(box.leftovers(), []);
    }
  };

  test('at stepped moments', () => {
    const found = killCreates({ box, cgroupOf, tries: 50, configure, check: nothingLeft });
    console.log(`# ${summary(found)}`);
    assert.ok((found.get('cgroup') ?? 0) > 0, 'some were killed between making the cgroup and the end');
  });

  test('in a hook, with the root filesystem made and init waiting', () => {
    const id = box.id();
    configure(id, `kill -9 $PPID`);
    const { signal } = spawnSync(tsociPath, ['--root', box.root, 'create', '--bundle', box.bundle, id], {
      stdio: 'ignore',
      timeout: 10_000,
    });
    assert.is(signal, 'SIGKILL');
    eventually('its cgroup is gone', () => !existsSync(cgroupOf(id)));
    // Its poststop hooks have not run.
    assert.ok(existsSync(join(box.root, id)));
    assert.is(box.tsoci('delete', '--force', id).status, 0);
    nothingLeft();
  });

  test('before its hooks, it takes back by itself what it had made', () => {
    for (let i = 1; i <= 20; i++) {
      const id = box.id();
      configure(id);
      const kill = { timeout: 4 * i, killSignal: 'SIGKILL' } as const;
      spawnSync(tsociPath, ['--root', box.root, 'create', '--bundle', box.bundle, id], {
        stdio: 'ignore',
        ...kill,
      });
      // Empty while there is no such container.
      const state = () => box.tsoci('state', id).stdout;
      eventually('it is gone or created', () => state() === '' || state().includes('"created"'));
      if (state() !== '') box.tsoci('delete', '--force', id);
      nothingLeft();
    }
  });

  /** A cgroup that another has made by now under the name of the container's, and a process in it. */
  const strangerIn = (id: string) => {
    mkdirSync(cgroupOf(id), { recursive: true });
    const stranger = sleeper(cgroupOf(id));
    const remove = () => {
      stranger.kill('SIGKILL');
      eventually('the cgroup is empty', () =>
        readFileSync(join(cgroupOf(id), 'cgroup.events'), 'utf8').includes('populated 0'),
      );
      for (let path = cgroupOf(id); path !== hierarchy.mountPoint; path = dirname(path)) rmdirSync(path);
    };
    const lives = () => {
      const stat = processStat(stranger.pid);
      return stat !== undefined && !hasEnded(stat);
    };
    return { lives, remove };
  };

  test('before it made its cgroup: who has that name is left alone', () => {
    const id = box.id();
    configure(id);
    assert.is(box.detached('create', '--bundle', box.bundle, id), 0);
    const state = join(box.root, id, 'state.json');
    const { init, cgroupInode, ...record } = readRecord(box.root, id);
    assert.ok(cgroupInode);
    assert.is(box.tsoci('delete', '--force', id).status, 0);
    mkdirSync(join(box.root, id));
    writeFileSync(state, JSON.stringify({ ...record, creator: init }));
    const stranger = strangerIn(id);
    assert.is(box.tsoci('delete', '--force', id).status, 0);
    assert.ok(stranger.lives());
    stranger.remove();
    nothingLeft();
  });

  test('after its end: who has the name of its cgroup is left alone', () => {
    const id = box.id();
    configure(id);
    assert.is(box.detached('create', '--bundle', box.bundle, id), 0);
    assert.is(box.tsoci('kill', id, 'KILL').status, 0);
    eventually('it is stopped', () => box.state(id).status === 'stopped');
    for (let path = cgroupOf(id); path !== hierarchy.mountPoint; path = dirname(path)) rmdirSync(path);
    const stranger = strangerIn(id);
    for (const args of [
      ['kill', '--all', id, 'KILL'],
      ['kill', '--all', id, 'TERM'],
      ['delete', '--force', id],
    ]) {
      assert.is(box.tsoci(...args).status, 0);
      assert.ok(stranger.lives(), args.join(' '));
    }
    stranger.remove();
    nothingLeft();
  });

  test.after(() => box.close());
}

test.run();
