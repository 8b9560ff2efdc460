// scripts/imports.ts: which way imports go.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findFaults } from '../../scripts/imports.ts';

const test = suite('imports');

/** The faults of a src/ with these files. */
function faultsOf(files: Readonly<Record<string, string>>): string[] {
  const src = mkdtempSync(join(tmpdir(), 'tsoci-imports-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(src, name)), { recursive: true });
      writeFileSync(join(src, name), text);
    }
    return findFaults(src);
  } finally {
    rmSync(src, { recursive: true });
  }
}

test('our own go down, in no circle', () => {
  assert.equal(findFaults(join(import.meta.dirname, '../../src')), []);
});

test('down and beside is allowed', () => {
  assert.equal(
    faultsOf({
      'cli/a.ts': "import { b } from '../container/b.ts';",
      'container/b.ts': "import type { C } from '../linux/c.ts';\nexport { d } from './d.ts';",
      'container/d.ts': "import { readFileSync } from 'node:fs';",
      'linux/c.ts': '',
      'rootfs/e.ts': "import { f } from '../security/f.ts';",
      'security/f.ts': '',
    }),
    [],
  );
});

test('up is a fault, whatever is imported and however', () => {
  const above = 'linux/a.ts imports cli/b.ts, which is in a layer above';
  for (const text of [
    "import { b } from '../cli/b.ts';",
    "import {\n  b,\n} from '../cli/b.ts';",
    "import type { B } from '../cli/b.ts';",
    "export * from '../cli/b.ts';",
    "const { b } = await import('../cli/b.ts');",
    "let b: typeof import('../cli/b.ts');",
  ])
    assert.equal(faultsOf({ 'linux/a.ts': text, 'cli/b.ts': '' }), [above], text);
});

test('circles of files and of folders are faults', () => {
  assert.equal(
    faultsOf({
      'linux/a.ts': "import './b.ts';",
      'linux/b.ts': "import type { C } from './c.ts';",
      'linux/c.ts': "import './b.ts';",
      'hooks/d.ts': "import '../rootfs/e.ts';",
      'rootfs/e.ts': '',
      'rootfs/f.ts': "import '../hooks/g.ts';",
      'hooks/g.ts': '',
    }),
    [
      'a circle of files: linux/b.ts → linux/c.ts → linux/b.ts',
      'a circle of folders: hooks → rootfs → hooks',
    ],
  );
});

test('a folder that nobody has put in a layer is a fault', () => {
  assert.equal(faultsOf({ 'new/a.ts': "import '../linux/b.ts';", 'linux/b.ts': '' }), [
    'new/a.ts is in no layer: name new in scripts/imports.ts',
  ]);
});

test('the library takes of the rest what is published with it, and nobody takes anything of the library', () => {
  assert.equal(
    faultsOf({
      'library/a.ts': "import type { T } from '../config/generated/types.ts';\nimport './b.ts';",
      'library/b.ts': "import { json } from '../config/json.ts';",
      'config/generated/types.ts': '',
      'config/json.ts': '',
      'config/spec.ts': "import './json.ts';",
      'cli/c.ts': "import type { B } from '../library/b.ts';",
    }),
    [
      'cli/c.ts imports library/b.ts, which is in a layer above',
      'config/spec.ts imports config/json.ts, which is not published with the library',
      'library/b.ts imports config/json.ts, which is not published with the library',
    ],
  );
});

test.run();
