// `create`, killed at any point, leaves nothing that `delete --force` does not remove.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { writableHierarchy } from '../cgroups/support.ts';
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
      if (hook) config.hooks = { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', hook] }] };
    });
  const nothingLeft = () => {
    try {
      eventually('nothing is left', () => box.leftovers().length === 0);
    } finally {
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
    assert.ok(existsSync(cgroupOf(id)));
    assert.is(box.tsoci('delete', '--force', id).status, 0);
    nothingLeft();
  });

  test.after(() => box.close());
}

test.run();
