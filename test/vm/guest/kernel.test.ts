// Any kernel: one that containers can be made on makes one; on an older one the first command says so, and does nothing.

import { release } from 'node:os';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { whyTooOld } from '../../../src/linux/kernel.ts';
import { Sandbox } from '../../container/harness.ts';

const box = new Sandbox();
const reason = whyTooOld(release());
const tooOld = reason ? test : test.skip;
const newEnough = reason ? test.skip : test;
console.log(`# Linux ${release()}`);
if (reason) console.log('skip: no container can be made on this kernel');
else console.log('skip: this kernel is not too old');

tooOld(
  'create and run: an error that names the kernel and the oldest that is not, and nothing is left',
  () => {
    box.configure('echo alive');
    for (const command of ['create', 'run']) {
      const { status, stdout, stderr } = box.tsoci(command, box.id());
      assert.is(status, 1);
      assert.is(stdout, '');
      assert.match(stderr, `Linux ${release()} is too old: tsoci needs Linux 5.14 or later`);
      assert.is(stderr.trim().split('\n').length, 1, stderr);
    }
    assert.equal(box.leftovers(), []);
  },
);

tooOld('doctor says so; what needs no container works', () => {
  const { status, stdout } = box.tsoci('doctor');
  assert.is(status, 1);
  assert.match(stdout, 'tsoci needs Linux 5.14 or later');
  for (const args of [['features'], ['delete', '--force', box.id()]]) {
    const { status, stderr } = box.tsoci(...args);
    assert.is(status, 0, `${args[0]}: ${stderr}`);
  }
});

newEnough('a container runs, and doctor finds all that it needs', () => {
  assert.is(box.run('echo alive'), 'alive\n');
  assert.is(box.tsoci('doctor').status, 0);
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
