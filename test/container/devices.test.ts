// Device nodes and links of /dev.

import { existsSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Sandbox } from './harness.ts';

const test = suite('devices');
const box = new Sandbox();

test('/dev/core is there where /proc/kcore is', () => {
  const look = 'test -L /dev/core && echo link; true';
  assert.is(box.run(look), existsSync('/proc/kcore') ? 'link\n' : '');
  const output = box.run(look, (config) => {
    config.mounts = (config.mounts ?? []).filter(({ destination }) => destination !== '/proc');
    delete config.linux.maskedPaths;
    delete config.linux.readonlyPaths;
  });
  assert.is(output, '', 'without /proc');
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
