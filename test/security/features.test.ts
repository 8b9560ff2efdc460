// What `features` claims is what the functions accept.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Seccomp } from '../../src/config/generated/types.ts';
import { seccompArches } from '../../src/config/generated/values.ts';
import { allCapabilities, lastCapability, planCapabilities } from '../../src/security/capabilities.ts';
import { securityFeatures } from '../../src/security/features.ts';
import { setMemoryPolicy } from '../../src/security/memory-policy.ts';
import { compileFilter } from '../../src/security/seccomp/filter.ts';
import { tryLibseccomp } from '../../src/security/seccomp/libseccomp.ts';
import { DescriptorTable, Program } from '../../src/stub/program.ts';

const test = suite('features');
const { linux, annotations } = securityFeatures();
const seccomp = linux.seccomp ?? {};

test('capabilities: every name is known, and they are as many as this kernel has or more', () => {
  const names = linux.capabilities ?? [];
  const plan = planCapabilities({ bounding: names }, allCapabilities(40));
  assert.equal(plan.warnings, []);
  assert.is(plan.sets.bounding, (1n << BigInt(names.length)) - 1n);
  assert.ok(names.length > 40);
  if (lastCapability() >= names.length)
    console.log('this kernel has capabilities that tsoci has no name for');
});

(tryLibseccomp() ? test : test.skip)('seccomp: every action, operator, architecture and flag', () => {
  assert.is(seccomp.enabled, true);
  assert.match(annotations?.['io.github.seccomp.libseccomp.version'] ?? '', /^2\.\d+\.\d+$/);
  const base: Seccomp = { defaultAction: 'SCMP_ACT_ALLOW', listenerPath: '/x' };
  for (const action of seccomp.actions ?? [])
    if (action !== 'SCMP_ACT_ALLOW') compileFilter({ ...base, syscalls: [{ names: ['mkdirat'], action }] });
  for (const op of seccomp.operators ?? []) {
    const args = [{ index: 0, value: 1, op }];
    compileFilter({ ...base, syscalls: [{ names: ['mkdirat'], action: 'SCMP_ACT_ERRNO', args }] });
  }
  // An architecture of the other byte order is recognised, but no filter can have both: EDOM.
  for (const arch of seccompArches) {
    let message = '';
    try {
      compileFilter({ ...base, architectures: [arch] });
    } catch (error) {
      message = String(error);
    }
    assert.is(seccomp.archs?.includes(arch), !message.includes('does not know'), `${arch}: ${message}`);
  }
  for (const flag of seccomp.knownFlags ?? []) {
    const accepted = () => compileFilter({ ...base, flags: [flag] });
    if (seccomp.supportedFlags?.includes(flag)) accepted();
    else assert.throws(accepted, `this kernel does not support ${flag}`);
  }
});

test('memoryPolicy: every mode and flag', () => {
  for (const mode of linux.memoryPolicy?.modes ?? []) {
    for (const flag of linux.memoryPolicy?.flags ?? []) {
      const program = new Program(new DescriptorTable([0, 1, 2]));
      const nodes = mode === 'MPOL_DEFAULT' || mode === 'MPOL_LOCAL' ? {} : { nodes: '0' };
      setMemoryPolicy(program, { mode, ...nodes, flags: [flag] });
      assert.is(program.length, 1);
    }
  }
});

test.run();
