// A state directory that can be read and not written: what the kernel said is told.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EEXIST, EISDIR, ENOENT, ENOTDIR } from '../../src/linux/errno.ts';
import { errnoOf } from '../../src/linux/errors.ts';
import { makeDirectories, removeFile, removeTree } from '../../src/linux/files.ts';
import { type Result, Sandbox, tsociPath } from './harness.ts';

const test = suite('read-only state');
const box = new Sandbox();

/** A command while the state directory is mounted read-only, for itself alone. */
function readOnly(...args: string[]): Result {
  const script = `mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec ${tsociPath} "$@"`;
  return spawnSync('unshare', ['-m', 'sh', '-c', script, 'sh', box.root, ...args], {
    cwd: box.bundle,
    encoding: 'utf8',
    timeout: 20_000,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

test('each command that has to write says EROFS, and of what', () => {
  const id = box.id();
  box.configure('true');
  assert.is(box.detached('create', id), 0);
  const says = (args: string[], message: RegExp) => {
    const { status, stderr } = readOnly('--root', ...args);
    assert.is(status, 1);
    assert.match(stderr, message);
    assert.match(stderr, /EROFS \(Read-only file system\)/);
  };
  says([box.root, 'create', box.id()], /^tsoci: make the state directory \S+: EROFS/);
  says([join(box.root, 'deep', 'er'), 'create', box.id()], /^tsoci: make the state directory \S+: EROFS/);
  says([box.root, 'delete', '--force', id], /^tsoci: remove \S+: EROFS/);
  assert.is(box.tsoci('delete', '--force', id).status, 0);
  assert.equal(box.leftovers(), []);
});

test('what is removed and made, and what the kernel says otherwise', () => {
  const fails = (act: () => void, errno: number) => {
    try {
      act();
    } catch (error) {
      assert.is(errnoOf(error), errno);
      return;
    }
    assert.unreachable();
  };
  const tree = join(box.directory, 'tree');
  makeDirectories(join(tree, 'a', 'b'), 0o700);
  makeDirectories(join(tree, 'a'), 0o700);
  const kept = join(box.directory, 'kept');
  mkdirSync(kept);
  const file = join(kept, 'file');
  writeFileSync(file, '');
  symlinkSync(kept, join(tree, 'link'));
  symlinkSync('nowhere', join(tree, 'dangling'));
  fails(() => makeDirectories(file, 0o700), EEXIST);
  fails(() => makeDirectories(join(file, 'x'), 0o700), ENOTDIR);
  fails(() => makeDirectories(join(tree, 'dangling', 'x'), 0o700), ENOENT);
  fails(() => removeFile(tree), EISDIR);
  removeTree(tree);
  assert.not(existsSync(tree));
  assert.ok(existsSync(file), 'no symlink is followed');
  removeTree(tree);
  removeFile(tree);
});

test.after(() => box.close());
test.run();
