// validate takes time in proportion to what is wrong, whatever it is.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatFindings } from '../../src/config/finding.ts';
import { validateConfig } from '../../src/config/validate.ts';
import { minimalConfig } from './full.ts';

const test = suite('many findings');
const FEW = 5000;
const TIMES = 4;
/** In proportion it would be TIMES; with the square, TIMES squared. */
const MOST_TIMES = 9;
/** Milliseconds for what a busy machine adds. */
const SLACK = 100;

const list = <T>(count: number, entry: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => entry(i));
const named = <T>(count: number, name: (i: number) => string, value: T): Record<string, T> =>
  Object.fromEntries(list(count, (i) => [name(i), value]));
const mapping = (i: number) => ({ containerID: i * 2, hostID: i * 2, size: 3 });

/** A configuration with so many faults of a kind. */
const faulty: Record<string, (count: number) => object> = {
  'numbers out of range': (n) =>
    processOf({ user: { uid: 0, gid: 0, additionalGids: list(n, () => 2 ** 32) } }),
  'ids that are none': (n) =>
    processOf({ user: { uid: 0, gid: 0, additionalGids: list(n, () => 2 ** 32 - 1) } }),
  'ids that are not mapped': (n) => ({
    ...processOf({ user: { uid: 0, gid: 0, additionalGids: list(n, (i) => i + 5) } }),
    linux: { namespaces: [{ type: 'user' }], uidMappings: [mapping(0)], gidMappings: [mapping(0)] },
  }),
  'mappings that overlap': (n) => ({
    ...processOf({ user: { uid: 1, gid: 1, additionalGids: list(n, (i) => i) } }),
    linux: { namespaces: [{ type: 'user' }], uidMappings: list(n, mapping), gidMappings: list(n, mapping) },
  }),
  variables: (n) => processOf({ env: list(n, () => 'no equals sign') }),
  'names with a NUL': (n) => processOf({ env: list(n, () => 'A=\0') }),
  'capabilities that are unknown': (n) => processOf({ capabilities: { bounding: list(n, () => 'CAP_KIL') } }),
  'capabilities that are not permitted': (n) =>
    processOf({
      capabilities: { effective: list(n, () => 'CAP_KILL'), permitted: list(n, () => 'CAP_CHOWN') },
    }),
  'rlimits repeated': (n) =>
    processOf({ rlimits: list(n, () => ({ type: 'RLIMIT_CORE', soft: 2, hard: 1 })) }),
  'mounts of the wrong type': (n) => ({ mounts: list(n, () => ({ destination: 5 })) }),
  'mounts without a type': (n) => ({ mounts: list(n, (i) => ({ destination: `/${i}` })) }),
  'namespaces repeated': (n) => ({ linux: { namespaces: list(n, () => ({ type: 'pid' })) } }),
  'devices at one path': (n) => ({
    linux: { devices: list(n, (i) => ({ type: 'c', path: '/dev/x', major: 1, minor: i })) },
  }),
  'devices with many paths': (n) => ({
    linux: { devices: list(n, (i) => ({ type: 'c', path: `/dev/${i}`, major: 1, minor: 3 })) },
  }),
  'device rules': (n) => ({ linux: { resources: { devices: list(n, () => ({ allow: true, major: -2 })) } } }),
  parameters: (n) => ({ linux: { sysctl: named(n, (i) => `net.x${i}`, '1') } }),
  'annotations of the wrong type': (n) => ({ annotations: named(n, String, 5) }),
  'masked paths': (n) => ({ linux: { maskedPaths: list(n, () => 'relative') } }),
  'system calls': (n) => ({
    linux: {
      seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: list(n, () => ({ names: [], action: 'X' })) },
    },
  }),
  hooks: (n) => ({ hooks: { poststop: list(n, () => ({ path: 'relative' })) } }),
  'unknown properties': (n) => named(n, (i) => `unknown${i}`, 1),
};

function processOf(properties: object): object {
  return { process: { cwd: '/', args: ['sh'], ...properties } };
}

for (const [what, make] of Object.entries(faulty)) {
  test(what, () => {
    const few = measure(what, make, FEW);
    const many = measure(what, make, FEW * TIMES);
    assert.ok(many < few * MOST_TIMES + SLACK, `${few} ms for ${FEW}, ${many} ms for ${TIMES} times as many`);
  });
}

/** Milliseconds of processor time: what validate does with so many faults, each on a line. */
function measure(what: string, make: (count: number) => object, count: number): number {
  const text = JSON.stringify({ ...minimalConfig(), ...make(count) }, undefined, 1);
  const before = process.cpuUsage();
  const findings = validateConfig(text);
  const told = formatFindings(findings, 'config.json');
  const { user, system } = process.cpuUsage(before);
  // Mappings are looked at up to the 340 that the kernel takes; of what is repeated, the first is right.
  assert.ok(
    findings.length >= (what.startsWith('mappings') ? 340 : count - 1),
    `${findings.length} findings`,
  );
  assert.is(told.split('\n').length, findings.length + 1);
  return (user + system) / 1000;
}

test.run();
