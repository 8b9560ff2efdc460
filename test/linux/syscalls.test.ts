// The numbers of system calls.

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SYS } from '../../src/linux/syscalls.ts';

const test = suite('system calls');

test('each that has a number is made somewhere', () => {
  const source = join(import.meta.dirname, '../../src');
  const text = globSync('**/*.ts', { cwd: source })
    .filter((file) => file !== 'linux/syscalls.ts' && !file.startsWith('trace/'))
    .map((file) => readFileSync(join(source, file), 'utf8'))
    .join('\n');
  const made = new Set([...text.matchAll(/\bSYS\.(\w+)|'(\w+)'/g)].map(([, by, name]) => by ?? name));
  assert.equal(
    Object.keys(SYS).filter((name) => !made.has(name)),
    [],
  );
});

test('none is newer than the oldest kernel that tsoci works with', () => {
  // memfd_secret(2), the last of Linux 5.14. Newer calls have the same number on both architectures.
  const LAST = 447;
  assert.equal(
    Object.entries(SYS).filter(([, number]) => number > LAST),
    [],
  );
});

test.run();
