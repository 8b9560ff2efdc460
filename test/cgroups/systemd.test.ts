// The systemd cgroup manager as pure functions: bytes, names, properties, annotations.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { planResources } from '../../src/cgroups/resources/resource-plan.ts';
import { busAddresses, parseAddresses } from '../../src/cgroups/systemd/bus-address.ts';
import {
  decodeMessage,
  encodeMessage,
  METHOD_CALL,
  messageLength,
} from '../../src/cgroups/systemd/bus-message.ts';
import { completeTypes, Reader, type Value, variant, Writer } from '../../src/cgroups/systemd/marshal.ts';
import { propertiesOf } from '../../src/cgroups/systemd/properties.ts';
import { planScope } from '../../src/cgroups/systemd/transient-scope.ts';
import { unitNames } from '../../src/cgroups/systemd/unit.ts';
import { annotatedProperties, parseVariant } from '../../src/cgroups/systemd/unit-annotations.ts';
import type { Resources } from '../../src/config/generated/types.ts';

const INFINITY = 2n ** 64n - 1n;

function bytesOf(signature: string, ...values: Value[]): string {
  const writer = new Writer();
  writer.values(signature, values);
  return writer.bytes().toString('hex');
}

test('values have the bytes of the specification', () => {
  assert.is(bytesOf('yu', 1, 2), '0100000002000000');
  assert.is(bytesOf('s', 'foo'), '03000000666f6f00');
  assert.is(bytesOf('g', 'as'), '02617300');
  assert.is(bytesOf('b', true), '01000000');
  assert.is(bytesOf('x', -2), 'feffffffffffffff');
  assert.is(bytesOf('v', variant('u', 5)), '0175000005000000');
  // The specification's own example: the padding before the first element does not count.
  assert.is(bytesOf('ax', [5]), `08000000${'00000000'}0500000000000000`);
  assert.is(bytesOf('ax', []), `00000000${'00000000'}`);
  assert.is(bytesOf('ay', [1, 2]), '020000000102');
  assert.is(bytesOf('y(y)', 1, [2]), `01${'00'.repeat(7)}02`);
});

test('what is written is read again', () => {
  const cases: [string, Value][] = [
    [
      'a(sv)',
      [
        ['MemoryMax', variant('t', INFINITY)],
        ['Slice', variant('s', 'system.slice')],
      ],
    ],
    ['a{sv}', [['ä', variant('ay', [1, 255])]]],
    ['(nqihd)', [-1, 65535, -7, 3, 0.5]],
    ['aas', [['a'], [], ['b', 'c']]],
    ['v', variant('v', variant('b', false))],
  ];
  for (const [signature, value] of cases) {
    const writer = new Writer();
    writer.value(signature, value);
    assert.equal(new Reader(writer.bytes()).value(signature), value);
  }
});

test('values that are not of the type are refused', () => {
  for (const [type, value] of [
    ['s', 1],
    ['u', -1],
    ['y', 256],
    ['t', 'x'],
    ['s', 'a\0'],
    ['as', 'a'],
    ['v', 1],
  ] as const)
    assert.throws(() => bytesOf(type, value), /not a value of the D-Bus type/);
  assert.throws(() => completeTypes('(s'), /malformed/);
  assert.throws(() => completeTypes('z'), /malformed/);
  assert.throws(() => new Reader(Buffer.from('ff000000', 'hex')).value('s'), /ends too early/);
});

test('what is malformed is refused, and read in bounded time', () => {
  const read = (type: string, hex: string) => () => new Reader(Buffer.from(hex, 'hex')).values(type);
  assert.throws(read('a()', '0400000000000000'), /signature "a\(\)" is malformed/);
  assert.throws(read('v', '02737300'), /signature "ss" is malformed/);
  assert.throws(read('v', '0000'), /signature "" is malformed/);
  assert.throws(read('s', '0100000000'), /ends too early/);
  assert.throws(read('s', '020000006100'), /ends too early/);
  assert.throws(read('s', '02000000610000'), /does not end with its NUL/);
  assert.throws(read('s', '010000006162'), /does not end with its NUL/);
  assert.throws(read('au', '0200000001000000'), /longer than it says/);
  assert.throws(read('v', '017600'.repeat(10_000)), /nested too deep/);
  const path = { type: METHOD_CALL, serial: 9, path: '/a', body: [] };
  const bytes = encodeMessage(path);
  bytes.write('s', bytes.indexOf('\x01o\0', 0, 'latin1') + 1);
  assert.throws(() => decodeMessage(bytes), /a path of the type s/);
});

test('a message survives the way', () => {
  const call = { type: METHOD_CALL, serial: 9, path: '/a', member: 'M', signature: 'su', body: ['x', 7] };
  const bytes = encodeMessage(call);
  assert.is(messageLength(bytes), bytes.length);
  assert.is(messageLength(bytes.subarray(0, 10)), undefined);
  assert.equal(decodeMessage(bytes), call);
});

test('addresses', () => {
  assert.equal(parseAddresses('unix:abstract=/tmp/a%20b,guid=1;tcp:host=x;unix:path=/run/bus'), [
    { socket: '\0/tmp/a b', direct: false },
    { socket: '/run/bus', direct: false },
  ]);
  assert.equal(
    busAddresses({}, true, 7).map(({ socket }) => socket),
    ['/run/user/7/systemd/private', '/run/user/7/bus'],
  );
  assert.is(busAddresses({}, false, 0)[0]?.socket, '/run/systemd/private');
});

test('names of units', () => {
  assert.equal(unitNames('machine.slice:libpod:abc', 'id', 'system.slice'), {
    slice: 'machine.slice',
    scope: 'libpod-abc.scope',
  });
  assert.equal(unitNames('::abc', 'id', 'user.slice'), { slice: 'user.slice', scope: 'abc.scope' });
  assert.is(unitNames(undefined, 'a+b', 'system.slice').scope, 'tsoci-a\\x2bb.scope');
  assert.is(unitNames('a-b.slice:p:../x', 'id', 'system.slice').scope, 'p-..\\x2fx.scope');
  for (const wrong of ['/a/b', 'a:b', 'a.slice:b:', 'a/b.slice:c:d', '-a.slice:c:d', 'a.slice:c:d.service'])
    assert.throws(() => unitNames(wrong, 'id', 'system.slice'), /linux\.cgroupsPath/);
  assert.throws(() => unitNames(`::${'x'.repeat(300)}`, 'id', 'system.slice'), /255 characters/);
});

function properties(resources: Resources): Record<string, Value> {
  const { writes } = planResources(resources, () => true);
  return Object.fromEntries(propertiesOf(writes).map(([name, { value }]) => [name, value]));
}

test('limits as properties', () => {
  assert.equal(
    properties({
      memory: { limit: 2048, reservation: 1024, swap: 4096 },
      cpu: { shares: 1024, quota: 25_500, period: 50_000, cpus: '0-2,9', mems: '1' },
      pids: { limit: -1 },
      blockIO: { weight: 10 },
      unified: { 'memory.high': '1500', 'memory.min': 'max', 'pids.events': 'x' },
    }),
    {
      MemorySwapMax: 2048n,
      MemoryMax: 2048n,
      MemoryLow: 1024n,
      CPUWeight: 100n,
      CPUQuotaPerSecUSec: 510_000n,
      CPUQuotaPeriodUSec: 50_000n,
      AllowedCPUs: [7, 2],
      AllowedMemoryNodes: [2],
      TasksMax: INFINITY,
      IOWeight: 1n,
      MemoryHigh: 1500n,
      MemoryMin: INFINITY,
    },
  );
  // Whole percents, rounded up; no limit; idle.
  assert.equal(properties({ cpu: { quota: 1001, period: 100_000 } }).CPUQuotaPerSecUSec, 20_000n);
  assert.equal(properties({ cpu: { quota: -1 } }), { CPUQuotaPerSecUSec: INFINITY });
  assert.equal(properties({ cpu: { quota: -1, period: 1000 } }), {
    CPUQuotaPerSecUSec: INFINITY,
    CPUQuotaPeriodUSec: 1000n,
  });
  assert.equal(properties({ cpu: { idle: 1 } }), { CPUWeight: 0n });
  assert.equal(properties({ unified: { 'cpu.max': 'max 0', 'io.weight': 'default 7' } }), { IOWeight: 7n });
});

test('values of annotations', () => {
  const cases: [string, string, Value][] = [
    ['true', 'b', true],
    ['5', 'i', 5],
    ['-0x10', 'i', -16],
    ['1.5', 'd', 1.5],
    ['uint64 18446744073709551615', 't', INFINITY],
    ['byte 7', 'y', 7],
    ["'a\\'b\\n'", 's', "a'b\n"],
    ['"x"', 's', 'x'],
    ["['a', 'b']", 'as', ['a', 'b']],
    ['@as []', 'as', []],
    ['@at [1, 2]', 'at', [1n, 2n]],
    ["[('/dev/null', 'rw')]", 'a(ss)', [['/dev/null', 'rw']]],
    ["@(st) ('a', 3)", '(st)', ['a', 3n]],
    ["objectpath '/a'", 'o', '/a'],
    ['<uint32 5>', 'v', variant('u', 5)],
  ];
  for (const [text, signature, value] of cases) assert.equal(parseVariant(text), { signature, value }, text);
  for (const wrong of ['', '[]', "'a", '5 6', 'uint64 x', 'uint32 true', '[1 2]', 'foo 5', '{}', '1.2.3'])
    assert.throws(() => parseVariant(wrong), undefined, wrong);
});

test('annotations are properties', () => {
  const annotations = {
    'org.systemd.property.CollectMode': "'inactive'",
    'org.systemd.property.TimeoutStopSec': '1.5',
    'other.key': '(',
  };
  assert.equal(annotatedProperties(annotations), [
    ['CollectMode', variant('s', 'inactive')],
    ['TimeoutStopUSec', variant('t', 1_500_000n)],
  ]);
  assert.throws(() => annotatedProperties({ 'org.systemd.property.A B': '1' }), /not the name of a property/);
  assert.throws(() => annotatedProperties({ 'org.systemd.property.After': "'a" }), /property\.After: "'a"/);
});

test('the plan of a scope; annotations have the last word', () => {
  const names = { slice: 'a.slice', scope: 'b.scope' };
  const annotations = { 'org.systemd.property.MemoryMax': 'uint64 7' };
  const plan = planScope(names, 'id', { memory: { limit: 5 } }, annotations);
  const found = Object.fromEntries(plan.properties.map(([name, { value }]) => [name, value]));
  assert.is(found.Slice, 'a.slice');
  assert.is(found.Delegate, true);
  assert.is(found.DefaultDependencies, false);
  assert.is(found.MemoryMax, 7n);
  assert.equal(
    plan.needs.map(({ controller }) => controller),
    ['memory'],
  );
});

test.run();
