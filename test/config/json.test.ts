// Exact integers, and mistakes that are located.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseJson } from '../../src/config/json.ts';
import { JsonError, positionsIn, scanJson } from '../../src/config/json-scan.ts';

const test = suite('config: JSON');

test('an integer beyond 2^53 is a bigint', () => {
  for (const digits of ['18446744073709551615', '9007199254740992', '-9223372036854775808'])
    for (const text of [digits, `[${digits}]`, `{"a":${digits}}`, `{"a": ${digits} }`, `[0,${digits}]`])
      assert.equal(
        [parseJson(text)].flat(),
        [JSON.parse(text, (_key, value) => (Number(value) ? BigInt(digits) : value))].flat(),
        text,
      );
});

test('any other number is a number', () => {
  const text = '[9007199254740991, 0.1234567890123456789, 1e17, 12345678901234567890.5, -0, 1]';
  assert.equal(parseJson(text), JSON.parse(text));
  assert.is(parseJson('"1234567890123456789"'), '1234567890123456789');
});

test('a property that is null is left out, an entry of a list is not', () => {
  const text = '{"a":null, "b":[null,{"c" : \n null,"d":1}], "null":":null", "e":{"f":{"g":null}}}';
  assert.equal(parseJson(text), { b: [null, { d: 1 }], null: ':null', e: { f: {} } });
  assert.is(parseJson('null'), null);
  const deep = parseJson(`${'{"a":'.repeat(100_000)}null${'}'.repeat(100_000)}`);
  assert.equal(Object.keys(Object(deep)), ['a']);
});

const mistakes: [text: string, line: number, column: number, problem: RegExp][] = [
  ['', 1, 1, /the end of the text/],
  ['{"a": 1,}', 1, 8, /comma/],
  ['[1, 2,\n]', 1, 6, /comma/],
  ['{\n  // why\n}', 2, 3, /comment/],
  ['{"a": 1 "b": 2}', 1, 9, /',' or '}', found "\\""/],
  ['{"a" 1}', 1, 6, /':'/],
  ["{'a': 1}", 1, 2, /double quotes/],
  ['{a: 1}', 1, 2, /double quotes, found "a"/],
  ['[true, False]', 1, 8, /"False"/],
  ['[01]', 1, 2, /"01"/],
  ['[1.]', 1, 2, /"1\."/],
  ['["a\nb"]', 1, 4, /control character/],
  ['["\\x"]', 1, 3, /escape/],
  ['["a', 1, 2, /does not end/],
  ['{} {}', 1, 4, /expected the end/],
  ['\ufeff{}', 1, 1, /byte order mark/],
  ['[1', 1, 3, /the end of the text/],
  ['"ab', 1, 1, /does not end/],
  [`${'['.repeat(502)}${']'.repeat(501)}`, 1, 502, /nested/],
];

for (const [text, line, column, problem] of mistakes) {
  test(`${JSON.stringify(text.slice(0, 20))} is refused where it is wrong`, () => {
    try {
      parseJson(text);
      assert.unreachable();
    } catch (error) {
      assert.instance(error, JsonError);
      if (!(error instanceof JsonError)) return;
      assert.match(error.message, problem);
      assert.equal(positionsIn(text)(error.offset), { line, column });
    }
  });
}

test('the scanner and JSON.parse agree on what is JSON', () => {
  const whole = '{"a":[1,-0.5e+3,true,null,"\\u00e9\\n"],"b":{} , "c":[\t[ ]]}';
  const letters = '{}[]:,"\\0019.-+eEtrue\n\t\v\u00a0/ u';
  let valid = 0;
  for (let at = 0; at <= whole.length; at++) {
    for (const letter of ['', ...letters]) {
      for (const end of [at, at + 1]) {
        const text = whole.slice(0, at) + letter + whole.slice(end);
        const expected = accepts(JSON.parse, text);
        if (expected) valid++;
        assert.is(accepts(scanJson, text), expected, JSON.stringify(text));
      }
    }
  }
  assert.ok(valid > 100, `${valid} valid texts`);
});

test('every value has its place', () => {
  const offsets = scanJson('{"a": [1, {"b/c~": null}]}');
  assert.equal(Object.fromEntries(offsets), { '': 0, '/a': 6, '/a/0': 7, '/a/1': 10, '/a/1/b~1c~0': 19 });
});

test.run();

function accepts(parse: (text: string) => unknown, text: string): boolean {
  try {
    parse(text);
    return true;
  } catch {
    return false;
  }
}
