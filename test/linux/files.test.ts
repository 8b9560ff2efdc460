// Where paths lead, when many are looked up.

import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isIn, RealPaths } from '../../src/linux/files.ts';

const test = suite('files');
const top = realpathSync(mkdtempSync(join(tmpdir(), 'tsoci-test-')));
mkdirSync(join(top, 'real/below'), { recursive: true });
writeFileSync(join(top, 'real/below/file'), '');
symlinkSync('real', join(top, 'linked'));
symlinkSync('below/file', join(top, 'real/to-file'));
symlinkSync('nowhere', join(top, 'dangling'));

test('links are followed at the end and on the way, at the first look and at those after it', () => {
  const paths = new RealPaths();
  const file = { path: join(top, 'real/below/file'), isDirectory: false };
  for (const path of ['real/below/file', 'linked/below/file', 'linked/to-file', 'linked/below/file'])
    assert.equal(paths.find(join(top, path)), file, path);
  assert.equal(paths.find(join(top, 'linked')), { path: join(top, 'real'), isDirectory: true });
  assert.equal(paths.find('/'), { path: '/', isDirectory: true });
});

test('where nothing is nothing is found', () => {
  const paths = new RealPaths();
  for (const path of ['dangling', 'real/none', 'none/below', 'real/below/file/none'])
    assert.is(paths.find(join(top, path)), undefined, path);
});

test('a path is in a directory that it begins with as a whole', () => {
  assert.ok(isIn('/a/b', '/a/b'));
  assert.ok(isIn('/a/b', '/a/b/c'));
  assert.not(isIn('/a/b', '/a/bc'));
  assert.not(isIn('/', '/a'), 'the root is no directory of an image');
});

test.after(() => rmSync(top, { recursive: true }));
test.run();
