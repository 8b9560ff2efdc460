// The forms of options: those of runc (Go's flag package) and those of crun (getopt).

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Option, parse } from '../../src/cli/options.ts';

const test = suite('cli: options');

const OPTIONS = [
  { long: 'bundle', short: 'b', kind: 'string', placeholder: 'DIR', help: '' },
  { long: 'format', short: 'f', kind: 'string', choices: ['table', 'json'], default: 'table', help: '' },
  { long: 'env', short: 'e', kind: 'list', help: '' },
  { long: 'preserve-fds', kind: 'number', default: 0, help: '' },
  { long: 'tty', short: 't', kind: 'flag', help: '' },
  { long: 'detach', short: 'd', kind: 'flag', help: '' },
] as const satisfies readonly Option[];

function values(...args: string[]) {
  return parse(OPTIONS, args).values;
}

test('a value follows as the next word or behind =', () => {
  for (const args of [
    ['--bundle', '/b'],
    ['--bundle=/b'],
    ['-b', '/b'],
    ['-b=/b'],
    ['-b/b'],
    ['-bundle', '/b'],
    ['-bundle=/b'],
  ])
    assert.is(values(...args).bundle, '/b', args.join(' '));
});

test('a value may be empty, hold = or look like an option', () => {
  assert.is(values('--bundle=').bundle, '');
  assert.equal(values('-e', 'A=B=C', '--env=D=').env, ['A=B=C', 'D=']);
  assert.is(values('--bundle', '--tty').bundle, '--tty');
  assert.is(values('--preserve-fds', '-1')['preserve-fds'], -1);
});

test('flags are set alone, bundled, or with a value', () => {
  assert.equal([values('-td').tty, values('-td').detach], [true, true]);
  assert.is(values('--tty=true').tty, true);
  assert.is(values('--tty', '--tty=false').tty, false);
  assert.throws(() => values('--tty=maybe'), /expected true or false/);
});

test('what is not given has its default', () => {
  assert.equal(values(), {
    bundle: undefined,
    format: 'table',
    env: [],
    'preserve-fds': 0,
    tty: false,
    detach: false,
  });
});

test('the last of several values counts, a list has all', () => {
  assert.is(values('-b', '/a', '-b', '/b').bundle, '/b');
  assert.equal(values('-e', 'A=1', '-e', 'B=2').env, ['A=1', 'B=2']);
});

test('options stand before and behind operands, until --', () => {
  const { values: read, operands } = parse(OPTIONS, ['one', '-t', 'two', '--', '-d', '--x']);
  assert.equal(operands, ['one', 'two', '-d', '--x']);
  assert.equal([read.tty, read.detach], [true, false]);
});

test('behind the last operand that is ours nothing is an option', () => {
  const { values: read, operands } = parse(OPTIONS, ['-t', 'web', 'ps', '-d', '--', '--bogus'], 1);
  assert.equal(operands, ['web', 'ps', '-d', '--', '--bogus']);
  assert.is(read.detach, false);
});

test('a single dash is an operand', () => {
  assert.equal(parse(OPTIONS, ['-']).operands, ['-']);
});

test('help ends the reading', () => {
  assert.is(parse(OPTIONS, ['web', '--help', '--bogus']).help, true);
  assert.is(parse(OPTIONS, ['-th']).help, true);
  assert.is(parse(OPTIONS, ['web', 'ls', '--help'], 1).help, false);
});

test('an unknown option is named, with the nearest known one', () => {
  assert.throws(() => values('--bundel=/b'), /^unknown option --bundel=\/b; did you mean --bundle\?$/);
  assert.throws(() => values('-x'), /^unknown option -x$/);
  assert.throws(() => values('-tx'), /^unknown option -tx/);
  assert.throws(() => values('-dbx'), /^unknown option -dbx/);
});

test('a wrong or missing value is told', () => {
  assert.throws(() => values('--bundle'), /option --bundle needs a value \(DIR\)/);
  assert.throws(() => values('--preserve-fds', 'three'), /"three" is not a whole number/);
  assert.throws(() => values('--format', 'yaml'), /"yaml" is none of table, json/);
});

test.run();
