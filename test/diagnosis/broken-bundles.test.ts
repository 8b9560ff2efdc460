// Each broken bundle is found by `validate --host`, or named with its cause by `run`; what validate finds, plan refuses.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Sandbox } from '../container/harness.ts';
import { brokenBundles, brokenTexts } from './broken-bundles.ts';
import { Root } from './fixtures.ts';

const test = suite('broken bundles');
const box = new Sandbox();
const root = new Root(box.rootfs);

test('the bundle that is to be broken is whole', () => {
  box.configure('true');
  const { status, stdout, stderr } = box.tsoci('validate', '--host');
  assert.equal([status, stdout, stderr], [0, '', '']);
  assert.is(box.tsoci('run', box.id()).status, 0);
  assert.ok(Object.keys(brokenBundles).length + Object.keys(brokenTexts).length >= 60);
});

for (const [what, { breaks, cause, by = 'validate', except, skip }] of Object.entries(brokenBundles)) {
  test(what, () => {
    if (skip) return console.log(`skip: ${what}: ${skip}`);
    box.configure('true', (config) => breaks(config, root));
    const validate = box.tsoci('validate', '--host');
    const run = box.tsoci('run', box.id());
    assert.is.not(run.status, 0, 'it is broken');
    if (by === 'run') {
      assert.match(run.stderr, cause);
      return;
    }
    assert.match(validate.stdout, cause);
    assert.match(run.stderr, /config\.json:\d+:\d+| hook 0 /, 'run says where');
    if (except === 'warning') return;
    assert.is(validate.status, 1, validate.stderr);
    assert.match(validate.stdout.split('\n')[0] ?? '', /^\S+\/config\.json:\d+:\d+: error: /);
    if (except !== 'plan') assert.is(box.tsoci('plan').status, 1, 'plan refuses it');
  });
}

for (const [what, { text, cause }] of Object.entries(brokenTexts)) {
  test(what, () => {
    box.configure('true');
    box.write(text(readFileSync(join(box.bundle, 'config.json'), 'utf8')));
    const validate = box.tsoci('validate', '--host');
    assert.is(validate.status, 1);
    assert.match(validate.stdout, cause);
    assert.is(box.tsoci('run', box.id()).status, 1);
  });
}

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
