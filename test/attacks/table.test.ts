// The table of docs/security.md names every attack that there is a test for, and no other.

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('attack table');
const root = join(import.meta.dirname, '..', '..');

test('docs/security.md and test/attacks/ have the same CVEs', () => {
  const section = /^## Attacks\n(.*?)^## /ms.exec(
    readFileSync(join(root, 'docs', 'security.md'), 'utf8'),
  )?.[1];
  const cells = [...(section ?? '').matchAll(/^\| ([^|]+)\|/gm)].map(([, cell = '']) => cell);
  const listed = cells.flatMap((cell) => cell.match(/\d{4}-\d{4,}/g) ?? []);
  const tests = globSync('test/{attacks,races}/*.ts', { cwd: root }).map((file) =>
    readFileSync(join(root, file), 'utf8'),
  );
  const tested = tests.flatMap((text) =>
    [...text.matchAll(/(?:CVE-|')(20\d\d-\d{4,})/g)].map(([, cve]) => cve),
  );
  assert.ok(listed.length > 0);
  assert.equal([...listed].sort(), [...new Set(tested)].sort());
});

test.run();
