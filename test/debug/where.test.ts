// Where to stop: what a person writes, and which operations are meant by it.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Operation } from '../../src/debug/protocol.ts';
import { matches, parseWhere, propertiesIn, showWhere } from '../../src/debug/where.ts';

function operation(given: Partial<Operation>): Operation {
  return { number: 1, role: 'init', text: '', doing: '', ...given };
}

function stopsAt(where: string, given: Partial<Operation>): boolean {
  return matches(parseWhere(where), operation(given));
}

test('a word is a failure, a step of the life cycle, a system call or a property', () => {
  assert.is(parseWhere('error').kind, 'error');
  assert.is(parseWhere('createRuntime').kind, 'phase');
  assert.is(parseWhere('pivot_root').kind, 'call');
  assert.is(parseWhere('mounts[2].options').kind, 'property');
  assert.is(parseWhere('process').kind, 'property');
});

test('a property may be written as a JSON pointer', () => {
  assert.is(showWhere(parseWhere('/mounts/2/options')), 'mounts[2].options');
  assert.is(
    showWhere(parseWhere('linux.sysctl["net.core.somaxconn"]')),
    'linux.sysctl["net.core.somaxconn"]',
  );
});

test('what is nothing of these is told with what it may have been', () => {
  assert.throws(() => parseWhere('mount[2]'), /did you mean mounts\?/);
  assert.throws(() => parseWhere('pivotroot'), /did you mean pivot_root\?/);
  assert.throws(() => parseWhere('process.rlimit'), /did you mean rlimits\?/);
  assert.throws(() => parseWhere(''), /where\?/);
});

test('a property stops at what it wants, and at what its parts want', () => {
  assert.ok(stopsAt('mounts', { property: 'mounts[2]' }));
  assert.ok(stopsAt('mounts[2]', { property: 'mounts[2]' }));
  assert.ok(stopsAt('process', { property: 'process.rlimits' }));
  assert.not(stopsAt('mounts[2]', { property: 'mounts[20]' }));
  assert.not(stopsAt('process.rlimits', { property: 'process.capabilities' }));
  assert.not(stopsAt('mounts', {}));
});

test('a part of what is applied as a whole stops with the whole', () => {
  assert.ok(stopsAt('process.rlimits[0].soft', { property: 'process.rlimits' }));
  assert.ok(stopsAt('linux.seccomp.syscalls[3]', { property: 'linux.seccomp' }));
});

test('a part of a mount stops at the calls that apply it', () => {
  assert.ok(stopsAt('mounts[2].options', { property: 'mounts[2]', call: 'mount_setattr' }));
  assert.not(stopsAt('mounts[2].options', { property: 'mounts[2]', call: 'statx' }));
  assert.ok(stopsAt('mounts[2].destination', { property: 'mounts[2]', call: 'move_mount' }));
});

test('a system call stops whoever makes it, a step of the life cycle where it begins', () => {
  assert.ok(stopsAt('mknodat', { call: 'mknodat' }));
  assert.not(stopsAt('mknodat', { call: 'mkdirat' }));
  assert.ok(stopsAt('rootfs', { role: 'host', phase: 'rootfs' }));
  assert.not(stopsAt('rootfs', { property: 'root.path' }));
});

test('names of a config are completed', () => {
  assert.equal(propertiesIn('{"mounts":[{"type":"proc"}]}'), ['mounts', 'mounts[0]', 'mounts[0].type']);
  assert.equal(propertiesIn('{'), []);
});

test.run();
