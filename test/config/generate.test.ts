// Generated files are what their sources make, and --check tells when they are not.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { configTypes } from '../../scripts/generate-config.ts';
import { configValidators } from '../../scripts/generate-validators.ts';

const root = join(import.meta.dirname, '..', '..');
const test = suite('config: generated files');

test('the committed files are those of the schemas', async () => {
  for (const { file, text } of [...(await configTypes()), ...(await configValidators())])
    assert.is(readFileSync(join(root, file), 'utf8'), text, file);
});

test('--check names a file that differs; without it, the file is written', () => {
  const copy = mkdtempSync(join(tmpdir(), 'tsoci-generate-'));
  const generate = (...args: string[]) =>
    spawnSync(process.execPath, [join(copy, 'scripts', 'generate.ts'), ...args], {
      encoding: 'utf8',
      timeout: 60_000,
    });
  try {
    for (const part of [
      'scripts',
      'schema',
      'src/config',
      'src/linux',
      'src/stub',
      'src/launcher',
      'package.json',
      'biome.json',
    ])
      cpSync(join(root, part), join(copy, part), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    assert.not.match(generate('--check').stderr, 'differs');
    const schema = join(copy, 'schema', 'state.schema.json');
    writeFileSync(schema, readFileSync(schema, 'utf8').replace('"paused", "stopped"', '"stopped"'));
    const checked = generate('--check');
    assert.is(checked.status, 1);
    for (const file of ['types.ts', 'values.ts', 'validators/state.js'])
      assert.match(checked.stderr, `src/config/generated/${file}: differs from its source`);
    assert.not.match(checked.stderr, 'validators/config.js');
    const addon = join(copy, 'src', 'linux', 'addon', 'addon.c');
    const source = readFileSync(addon, 'utf8');
    writeFileSync(addon, `${source}// changed\n`);
    for (const name of ['x64', 'arm64'])
      assert.match(generate('--check').stderr, `src/linux/addon/${name}.node: differs from its source`);
    writeFileSync(addon, source);
    assert.is(generate().status, 0);
    assert.is(generate('--check').status, 0, 'after it was written');
  } finally {
    rmSync(copy, { recursive: true });
  }
});

test.run();
