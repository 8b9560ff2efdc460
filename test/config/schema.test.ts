// The schemas themselves: complete, described, and citing sections that exist.

import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { definitions, type Schema } from '../../scripts/schemas.ts';
import type { Outline } from '../../src/config/generated/outline.ts';
import * as outline from '../../src/config/generated/outline.ts';
import { isProcess, isResources } from '../../src/config/generated/validators/config.js';
import { capabilityNames, rlimitTypes, schedulerFlags } from '../../src/config/generated/values.ts';
import { fullConfig } from './full.ts';

const root = join(import.meta.dirname, '..', '..');
const specification = join(root, '..', 'shared', 'oci-runtime-spec');
const test = suite('config: schemas');

test('every definition and property is described, and every definition of ours cites a section', () => {
  for (const [name, definition] of definitions) {
    if (definition.type === 'integer') continue;
    assert.ok(definition.description, name);
    assert.match(definition.$comment ?? '', /^[a-z-]+\.md/, name);
    for (const [property, schema] of Object.entries(definition.properties ?? {}))
      assert.ok(schema.description || schema.$ref, `${name}.${property}`);
  }
});

test('the test configuration has every property that the schema has', () => {
  const known = new Set<string>();
  const met = new Set<string>();
  visit(outline.Config, [fullConfig()], '');
  assert.equal(
    [...known].filter((name) => !met.has(name)),
    [],
  );

  /** All values of one kind: a property need not be in each. */
  function visit({ properties = {}, values }: Outline, found: unknown[], name: string): void {
    for (const [key, child] of Object.entries(properties)) {
      const inner = found.map((value) => (value as Record<string, unknown>)[key]);
      known.add(`${name}.${key}`);
      const present = inner.filter((value) => value !== undefined);
      if (present.length > 0) met.add(`${name}.${key}`);
      visit(child, present, `${name}.${key}`);
    }
    if (values)
      visit(
        values,
        found.flatMap((value) => Object.values(value as object)),
        `${name}[]`,
      );
  }
});

test('parts of a configuration are validated by themselves: exec, update', () => {
  const { process, linux } = fullConfig();
  assert.ok(isProcess(process));
  assert.not.ok(isProcess({ ...process, cwd: 1 }));
  assert.ok(isResources(linux?.resources));
  assert.not.ok(isResources({ pids: { limit: '1' } }));
});

test('the order of enumerations is that of the kernel', () => {
  assert.is(capabilityNames.indexOf('CAP_SYS_ADMIN'), 21);
  assert.is(capabilityNames.indexOf('CAP_CHECKPOINT_RESTORE'), 40);
  assert.is(rlimitTypes.indexOf('RLIMIT_NOFILE'), 7);
  assert.is(rlimitTypes.indexOf('RLIMIT_RTTIME'), 15);
  assert.is(schedulerFlags.indexOf('SCHED_FLAG_UTIL_CLAMP_MAX'), 6);
});

if (!existsSync(specification))
  console.log('skipped: the specification is not beside the project (../shared/oci-runtime-spec)');
else
  test('sections that are cited exist', () => {
    const cited = new Set<string>();
    for (const definition of definitions.values()) collect(definition);
    for (const file of globSync('src/config/**/*.ts', { cwd: root }))
      for (const [section] of readFileSync(join(root, file), 'utf8').matchAll(/\b[a-z-]+\.md#[\w-]+/g))
        cited.add(section);
    assert.ok(cited.size > 40, `${cited.size} sections`);
    assert.equal(
      [...cited].filter((section) => !sections().has(section)),
      [],
    );

    function collect(schema: Schema): void {
      if (schema.$comment && schema.type !== 'integer') cited.add(schema.$comment);
      for (const property of Object.values(schema.properties ?? {})) collect(property);
    }
  });

test.run();

/** Each document, and each heading of it as GitHub links it. */
function sections(): Set<string> {
  const found = new Set<string>();
  for (const file of ['config.md', 'config-linux.md', 'runtime.md', 'features.md', 'features-linux.md']) {
    found.add(file);
    for (const [, heading = ''] of readFileSync(join(specification, file), 'utf8').matchAll(/^#+ (.*)$/gm)) {
      const text = heading
        .replace(/<[^>]*>/g, '')
        .trim()
        .toLowerCase();
      found.add(`${file}#${text.replace(/[^\w\- ]/g, '').replaceAll(' ', '-')}`);
    }
  }
  return found;
}
