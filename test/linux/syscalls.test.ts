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

test.run();
