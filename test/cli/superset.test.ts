// Whoever calls runc or crun can call tsoci: each option of their commands is known here.

import { spawnSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadCommands } from '../../src/cli/command-table.ts';
import { GLOBAL_OPTIONS } from '../../src/cli/globals.ts';
import { type Option, parse } from '../../src/cli/options.ts';

const test = suite('cli: options of runc and crun');
const commands = await loadCommands();

/** The options at the beginning of the lines of a help text: `-b`, `--bundle`. */
function optionsOf(runtime: string, ...command: string[]): string[] {
  const { stdout } = spawnSync(runtime, [...command, '--help'], { encoding: 'utf8', timeout: 20_000 });
  return stdout.split('\n').flatMap((line) => {
    const [, terms = ''] = /^ +(-.*?)( {2,}|$)/.exec(line) ?? [];
    return terms.match(/(?<=^|[\s,])--?[\w?][\w-]*/g) ?? [];
  });
}

/** Whether an option is known, with or without a value. */
function accepts(table: readonly Option[], option: string): boolean {
  return [[option], [option, '1']].some((args) => {
    try {
      parse(table, args);
      return true;
    } catch (error) {
      return !/unknown option/.test(String(error));
    }
  });
}

for (const runtime of ['runc', 'crun']) {
  if (spawnSync(runtime, ['--version']).status !== 0) {
    console.log(`skipped: ${runtime} is not installed to compare with`);
    continue;
  }
  test(`${runtime}: global options`, () => {
    const theirs = optionsOf(runtime);
    assert.ok(theirs.includes('--root'), 'the help is understood');
    for (const option of theirs) assert.ok(accepts(GLOBAL_OPTIONS, option), option);
  });
  for (const { name, options } of commands) {
    const theirs = optionsOf(runtime, name);
    if (theirs.length === 0) continue;
    test(`${runtime} ${name}`, () => {
      for (const option of theirs) assert.ok(accepts(options, option), option);
    });
  }
  test(`${runtime}: the help of commands is understood`, () => {
    assert.ok(optionsOf(runtime, 'create').includes('--bundle'));
    assert.ok(optionsOf(runtime, 'update').includes('--cpu-period'));
    assert.not.ok(accepts([], '--bundle'));
  });
}

test('the other names of help and version', () => {
  for (const word of ['-?', '--usage', '--help', '-h']) assert.ok(parse([], [word]).help, word);
  assert.is(parse(GLOBAL_OPTIONS, ['-V']).values.version, true);
});

test.run();
