// process.capabilities decided.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { capabilityNames } from '../../src/config/generated/values.ts';
import { processStatus } from '../../src/linux/procfs.ts';
import {
  allCapabilities,
  capabilitiesIn,
  capabilityName,
  type HeldCapabilities,
  lastCapability,
  maskOf,
  numbersIn,
  planCapabilities,
  withCapabilities,
} from '../../src/security/capabilities.ts';
import { statusOf } from './stub.ts';

const test = suite('capabilities');

const held = (...names: string[]): HeldCapabilities => ({
  permitted: maskOf(...names),
  bounding: maskOf(...names),
});
const all = allCapabilities(40);

test('names and numbers of linux/capability.h', () => {
  const known: [string, number][] = [
    ['CAP_CHOWN', 0],
    ['CAP_SETPCAP', 8],
    ['CAP_SYS_ADMIN', 21],
    ['CAP_SYS_RESOURCE', 24],
    ['CAP_SETFCAP', 31],
    ['CAP_AUDIT_READ', 37],
    ['CAP_CHECKPOINT_RESTORE', 40],
  ];
  for (const [name, number] of known) assert.equal(numbersIn(maskOf(name)), [number]);
  assert.is(capabilityNames.length, 41);
  assert.is(capabilityName(41), 'capability 41');
  assert.equal(numbersIn(maskOf('CAP_SYSLOG', 'CAP_CHOWN')), [0, 34]);
  assert.throws(() => maskOf('CAP_FOO'), /unknown capability CAP_FOO/);
});

test('what a process holds, and what all is', () => {
  assert.is(
    capabilitiesIn(processStatus('self')).permitted,
    BigInt(`0x${statusOf(process.pid).get('CapPrm')}`),
  );
  assert.is(allCapabilities().bounding, (1n << BigInt(lastCapability() + 1)) - 1n);
  assert.throws(() => processStatus(0), /read \/proc\/0\/status/);
});

test('no capabilities in the config is none', () => {
  const nothing = { bounding: 0n, permitted: 0n, effective: 0n, inheritable: 0n, ambient: 0n };
  assert.equal(planCapabilities(undefined, all).sets, nothing);
  assert.equal(planCapabilities({}, all).sets, nothing);
});

test('unknown names and names that cannot be granted are warnings', () => {
  const config = {
    bounding: ['CAP_CHOWN', 'CAP_KILL', 'CAP_FOO', 'chown'],
    permitted: ['CAP_CHOWN', 'CAP_KILL', 'CAP_FOO'],
  };
  const { sets, warnings } = planCapabilities(config, held('CAP_CHOWN'));
  assert.is(sets.bounding, maskOf('CAP_CHOWN'));
  assert.is(sets.permitted, maskOf('CAP_CHOWN'));
  assert.equal(warnings, [
    'unknown capabilities left out: CAP_FOO, chown',
    'bounding capabilities left out, not in the bounding set of the runtime: CAP_KILL',
    'permitted capabilities left out, not held by the runtime: CAP_KILL',
  ]);
});

test('a capability that this kernel is too old for is a warning', () => {
  const { sets, warnings } = planCapabilities({ bounding: ['CAP_BPF', 'CAP_CHOWN'] }, allCapabilities(37));
  assert.is(sets.bounding, maskOf('CAP_CHOWN'));
  assert.is(warnings.length, 1);
});

test('effective lies in permitted, inheritable in bounding, ambient in permitted and inheritable', () => {
  const names = ['CAP_CHOWN', 'CAP_KILL'];
  const { sets, warnings, notes } = planCapabilities(
    {
      bounding: ['CAP_CHOWN'],
      permitted: ['CAP_CHOWN'],
      effective: names,
      inheritable: names,
      ambient: names,
    },
    all,
  );
  for (const set of Object.values(sets)) assert.is(set, maskOf('CAP_CHOWN'));
  assert.equal(warnings, [
    'effective capabilities left out, not permitted: CAP_KILL',
    'inheritable capabilities left out, not held, or not in the bounding set: CAP_KILL',
  ]);
  assert.equal(notes, ['ambient capabilities left out, not both permitted and inheritable: CAP_KILL']);
});

test('CVE-2022-29162: exec --cap makes nothing inheritable, and ambient only what was inheritable', () => {
  const config = { bounding: ['CAP_KILL'], inheritable: ['CAP_CHOWN'] };
  assert.equal(withCapabilities(config, ['CAP_CHOWN', 'CAP_KILL']), {
    bounding: ['CAP_KILL', 'CAP_CHOWN'],
    permitted: ['CAP_CHOWN', 'CAP_KILL'],
    effective: ['CAP_CHOWN', 'CAP_KILL'],
    inheritable: ['CAP_CHOWN'],
    ambient: ['CAP_CHOWN'],
  });
  assert.equal(withCapabilities(undefined, ['CAP_KILL']).inheritable, []);
});

test.run();
