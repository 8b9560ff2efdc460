// The device program: interpreted over every access that could matter, against the plain meaning of the rules.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { deviceProgram } from '../../src/cgroups/devices/device-program.ts';
import { allowsEverything, decide, parseRules } from '../../src/cgroups/devices/device-rules.ts';
import type { DeviceCgroup } from '../../src/config/generated/types.ts';
import { type Access, interpret } from './ebpf.ts';

const test = suite('cgroups: devices');

const BITS = { m: 1, r: 2, w: 4 } as const;
const DEFAULTS: DeviceCgroup[] = [
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...[3, 5, 7, 8, 9].map((minor) => ({ allow: true, type: 'c', major: 1, minor, access: 'rwm' }) as const),
  ...[0, 1, 2].map((minor) => ({ allow: true, type: 'c', major: 5, minor, access: 'rwm' }) as const),
  { allow: true, type: 'c', major: 136, access: 'rwm' },
];

/** For each bit of the access the last rule that matches decides; without one it is denied. */
function model(rules: readonly DeviceCgroup[], access: Access): boolean {
  const matches = (rule: DeviceCgroup) =>
    [undefined, 'a', access.type].includes(rule.type) &&
    [undefined, -1, access.major].includes(Number(rule.major ?? -1)) &&
    [undefined, -1, access.minor].includes(Number(rule.minor ?? -1));
  return Object.entries(BITS)
    .filter(([, bit]) => access.access & bit)
    .every(([letter]) => {
      const last = [...rules, ...DEFAULTS].findLast(
        (rule) => matches(rule) && (rule.access ?? 'rwm').includes(letter),
      );
      return last?.allow ?? false;
    });
}

/** Every access to the devices that rules and defaults name, and to others near them. */
function* accesses(rules: readonly DeviceCgroup[]): Generator<Access> {
  const numbers = (name: 'major' | 'minor') =>
    new Set([
      0,
      4095,
      ...[...rules, ...DEFAULTS].flatMap((rule) => [Number(rule[name] ?? 0), Number(rule[name] ?? 0) + 1]),
    ]);
  for (const type of ['b', 'c'] as const)
    for (const major of numbers('major'))
      for (const minor of numbers('minor'))
        for (let access = 1; access <= 7; access++)
          if (major >= 0 && minor >= 0) yield { type, major, minor, access };
}

function agrees(rules: DeviceCgroup[]): void {
  const program = deviceProgram(decide(parseRules(rules)));
  for (const access of accesses(rules))
    if (interpret(program, access) !== model(rules, access))
      assert.unreachable(
        `${JSON.stringify(rules)}: ${JSON.stringify(access)} should be ${model(rules, access)}`,
      );
}

const denyAll: DeviceCgroup = { allow: false, access: 'rwm' };
const allowAll: DeviceCgroup = { allow: true, access: 'rwm' };

const tables: Record<string, DeviceCgroup[]> = {
  'no rules': [],
  'deny all': [denyAll],
  'allow all': [allowAll],
  'the example of the specification': [
    denyAll,
    { allow: true, type: 'c', major: 10, minor: 229, access: 'rw' },
    { allow: true, type: 'b', major: 8, minor: 0, access: 'r' },
  ],
  'allow all but one': [allowAll, { allow: false, type: 'b', major: 8, minor: 0, access: 'rwm' }],
  'allow all but writing to one': [allowAll, { allow: false, type: 'b', major: 8, minor: 0, access: 'w' }],
  'deny all bits one by one': ['r', 'w', 'm'].map((access) => ({ allow: false, access })),
  'a later denial takes away a part': [
    denyAll,
    { allow: true, type: 'c', major: 10, access: 'rwm' },
    { allow: false, type: 'c', major: 10, minor: 1, access: 'w' },
    { allow: true, type: 'c', major: 10, minor: 1, access: 'w' },
    { allow: false, type: 'c', major: 10, minor: 2 },
  ],
  'access split over several rules': [
    denyAll,
    { allow: true, type: 'b', major: 8, minor: 0, access: 'r' },
    { allow: true, type: 'b', major: 8, minor: -1, access: 'w' },
    { allow: true, type: 'b', access: 'm' },
  ],
  'deny all at the end': [{ allow: true, type: 'c', major: 10, minor: 229, access: 'rw' }, denyAll],
  'wildcard minor and wildcard major': [
    denyAll,
    { allow: true, type: 'c', major: 20, access: 'rw' },
    { allow: true, type: 'b', minor: 7, access: 'rwm' },
    { allow: true, type: 'a', major: 30, minor: 1, access: 'r' },
  ],
  'null is not to be taken away': [denyAll, { allow: false, type: 'c', major: 1, minor: 3, access: 'rwm' }],
  'the largest numbers': [{ allow: true, type: 'b', major: 4095, minor: 1048575 }],
};

for (const [name, rules] of Object.entries(tables)) test(name, () => agrees(rules));

test('random rule lists', () => {
  let seed = 12345;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 16) % below;
  };
  const pick = <T>(values: readonly T[]): T => values[random(values.length)] as T;
  for (let i = 0; i < 100; i++) {
    const rules = Array.from({ length: random(7) }, (): DeviceCgroup => {
      const rule: DeviceCgroup = {
        allow: random(2) === 1,
        type: pick(['a', 'b', 'c'] as const),
        access: pick(['r', 'w', 'm', 'rw', 'rwm']),
      };
      if (random(3) > 0) rule.major = pick([-1, 1, 5, 8]);
      if (random(3) > 0) rule.minor = pick([-1, 0, 3]);
      return rule;
    });
    agrees(rules);
  }
});

test('all that is left of a rule for everything is that nothing is to do', () => {
  const decision = decide(parseRules([denyAll, { allow: true, type: 'c', major: 1, minor: 3 }, allowAll]));
  assert.ok(allowsEverything(decision));
  assert.not.ok(allowsEverything(decide(parseRules([allowAll, denyAll]))));
});

test('the program stays small', () => {
  const instructions = (rules: DeviceCgroup[]) => deviceProgram(decide(parseRules(rules))).length / 8;
  assert.is(instructions([allowAll]), 2);
  // r0, three loads; mknod 2; type c: 1, major 1: 1 + 5, major 5: 1 + 3, major 136: 1; verdict 2
  assert.is(instructions([denyAll]), 20);
  assert.is(instructions([allowAll, { allow: false, type: 'b', major: 8, minor: 0 }]), 24);
});

test('malformed rules are refused by name', () => {
  const refuses = (rule: object, message: RegExp) =>
    assert.throws(() => parseRules([denyAll, { allow: true, ...rule }]), message);
  refuses({ type: 'p' }, /linux\.resources\.devices\[1\]\.type "p" must be a, b or c/);
  refuses({ access: 'x' }, /devices\[1\]\.access "x" must be composed of r, w and m/);
  refuses({ access: '' }, /devices\[1\]\.access "" must be composed/);
  refuses({ major: -2 }, /devices\[1\]\.major -2 must be -1 \(all\) or from 0 to 4095/);
  refuses({ minor: 1048576 }, /devices\[1\]\.minor 1048576/);
});

test.run();
