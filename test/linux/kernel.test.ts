import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isKernelSince, requireKernel } from '../../src/linux/kernel.ts';

test('versions are compared number by number, whatever follows them', () => {
  assert.ok(isKernelSince('6.8', '6.12.95+deb12-cloud-amd64'));
  assert.ok(isKernelSince('6.8', '6.8.0-rc1'));
  assert.ok(isKernelSince('5.14', '10.0'));
  assert.not(isKernelSince('6.8', '6.1.0-50-cloud-amd64'));
  assert.not(isKernelSince('6.8', '5.19.0'));
});

test('a kernel that is too old is an error that names it and the oldest that is not', () => {
  assert.throws(
    () => requireKernel('5.10.0-32-cloud-amd64'),
    /^Linux 5\.10\.0-32-cloud-amd64 is too old: tsoci needs Linux 5\.14 or later$/,
  );
  requireKernel('5.14.0-427.el9');
  requireKernel();
});

test.run();
