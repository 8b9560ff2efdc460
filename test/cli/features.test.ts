import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { features } from '../../src/cli/features-structure.ts';
import { isFeatures } from '../../src/config/generated/validators/features.js';

const test = suite('cli: features');

test('the structure is as features.md demands', () => {
  const structure = features();
  assert.ok(isFeatures(JSON.parse(JSON.stringify(structure))), JSON.stringify(isFeatures.errors));
  assert.is(structure.ociVersionMax, '1.3.0');
  assert.is(structure.hooks?.length, 6);
  assert.is(structure.linux?.namespaces?.length, 8);
  // Annotations that change what tsoci does: each prefix that src/ looks for.
  assert.equal(structure.potentiallyUnsafeConfigAnnotations, [
    'org.tsoci.overlay.',
    'org.tsoci.network',
    'org.systemd.property.',
    'org.criu.config',
    'org.tsoci.debug',
  ]);
  assert.is(structure.annotations?.['org.opencontainers.runc.checkpoint.enabled'], 'true');
});

test('every list has each name once', () => {
  const { hooks, mountOptions, linux } = features();
  const lists = { hooks, mountOptions, capabilities: linux?.capabilities, archs: linux?.seccomp?.archs };
  for (const [name, list] of Object.entries(lists)) {
    assert.ok(list && list.length > 0, name);
    assert.is(new Set(list).size, list?.length, name);
  }
});

test.run();
