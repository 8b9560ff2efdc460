// Limits on a cgroup directory: a pretended one for the error cases, the host's for the rest.

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { delegateCgroup, ownsCgroup } from '../../src/cgroups/delegate.ts';
import { isLimited, limitCgroup, needsOf } from '../../src/cgroups/limit.ts';
import { applyResources, applyWrite } from '../../src/cgroups/resources/apply-resources.ts';
import type { Write } from '../../src/cgroups/resources/resource-types.ts';
import { inCgroup, writableHierarchy } from './support.ts';

const test = suite('cgroups: apply');

function pretended(files: Record<string, string>, body: (directory: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'tsoci-test-'));
  try {
    for (const [file, text] of Object.entries(files)) writeFileSync(join(directory, file), text);
    body(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const write: Write = { file: 'x.max', value: '5', controller: 'x', field: 'linux.resources.x' };

test('values reach their files; nothing is created', () =>
  pretended({ 'pids.max': '' }, (directory) => {
    applyResources(directory, { pids: { limit: 5 } });
    assert.is(readFileSync(join(directory, 'pids.max'), 'utf8'), '5');
    assert.throws(
      () => applyWrite(directory, write),
      /set linux\.resources\.x: write "5" to x\.max of cgroup .*: ENOENT .*; this kernel's controller x has no file x\.max/,
    );
  }));

test('a limit that is taken away where there is none', () =>
  pretended({}, (directory) => {
    applyResources(directory, { pids: { limit: -1 }, memory: { limit: -1, swap: -1 } });
    assert.throws(() => applyResources(directory, { unified: { 'pids.max': 'max' } }), /ENOENT/);
  }));

test('several lines are several writes', () =>
  pretended({ 'x.max': '' }, (directory) => {
    // Each write begins at offset 0 of the file, where it meets what the one before it left.
    applyWrite(directory, { ...write, value: 'first\nnext\n' });
    assert.is(readFileSync(join(directory, 'x.max'), 'utf8'), 'nextt');
  }));

test('checkBeforeUpdate refuses a limit below the usage', () =>
  pretended({ 'memory.max': '', 'memory.current': '1000\n' }, (directory) => {
    const memory = { limit: 999, checkBeforeUpdate: true };
    assert.throws(
      () => applyResources(directory, { memory }),
      /checkBeforeUpdate asks: memory\.current is 1000/,
    );
    assert.is(readFileSync(join(directory, 'memory.max'), 'utf8'), '');
    applyResources(directory, { memory: { ...memory, limit: 1000 } });
  }));

test('CPUs of which the parent has none are an error, not a silent fallback', () =>
  pretended({ 'cpuset.cpus': '', 'cpuset.cpus.effective': '0-1\n' }, (directory) => {
    assert.throws(
      () => applyResources(directory, { cpu: { cpus: '3' } }),
      /linux\.resources\.cpu\.cpus: .*has no effect.*cpuset\.cpus\.effective is 0-1/,
    );
    applyResources(directory, { cpu: { cpus: '0-3' } });
  }));

test('what needs a cgroup', () => {
  assert.not.ok(isLimited({}));
  assert.not.ok(isLimited({ devices: [], memory: {}, network: {} }));
  assert.ok(isLimited({ devices: [{ allow: true }] }));
  assert.not.ok(isLimited({ pids: { limit: -1 }, memory: { limit: -1, swap: -1 }, cpu: { quota: -1 } }));
  assert.not.ok(isLimited({ pids: { limit: 0 } }));
  assert.ok(isLimited({ unified: { 'pids.max': 'max' } }));
  assert.throws(() => needsOf({ devices: [{ allow: true, access: '?' }] }), /devices\[0\]\.access/);
});

test('who owns the cgroup', () => {
  const config = (options: string[], source = 'cgroup', namespace: object = { type: 'cgroup' }) => ({
    ociVersion: '1.3.0',
    mounts: [{ destination: '/sys/fs/cgroup', type: 'cgroup', source, options }],
    linux: { namespaces: [namespace as { type: 'cgroup' }] },
  });
  assert.ok(ownsCgroup(config(['rw'])));
  assert.not.ok(ownsCgroup(config(['nosuid', 'ro'])));
  assert.not.ok(ownsCgroup(config([], '/bind')));
  assert.not.ok(ownsCgroup(config([], 'cgroup', { type: 'cgroup', path: '/proc/1/ns/cgroup' })));
  assert.not.ok(ownsCgroup({ ociVersion: '1.3.0' }));
});

const hierarchy = writableHierarchy();
if (hierarchy) {
  test('a delegated cgroup: its directory and the files of the list, no limits', () =>
    inCgroup(hierarchy, ({ directory }) => {
      delegateCgroup(directory, 12345);
      const owner = (file: string) => statSync(join(directory, file)).uid;
      for (const file of ['', 'cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads'])
        assert.is(owner(file), 12345, file);
      for (const file of ['cgroup.freeze', 'cgroup.max.depth', 'cgroup.kill'])
        assert.is(owner(file), 0, file);
    }));

  test('all limits at once', () =>
    inCgroup(hierarchy, (cgroup) => {
      const warnings = limitCgroup(cgroup, {
        devices: [{ allow: false }],
        unified: { 'cgroup.max.descendants': '7' },
      });
      assert.equal(warnings, []);
      assert.is(readFileSync(join(cgroup.directory, 'cgroup.max.descendants'), 'utf8'), '7\n');
    }));
}

test.run();
