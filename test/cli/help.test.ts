// Every command and option is told of, in help texts, man pages and completions alike.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bashCompletion } from '../../scripts/completions/bash.ts';
import { fishCompletion } from '../../scripts/completions/fish.ts';
import { zshCompletion } from '../../scripts/completions/zsh.ts';
import { manPages } from '../../scripts/man.ts';
import { readArguments } from '../../src/cli/command.ts';
import { loadCommands } from '../../src/cli/command-table.ts';
import { GLOBAL_OPTIONS } from '../../src/cli/globals.ts';
import { commandHelp, globalHelp } from '../../src/cli/help.ts';
import type { Option } from '../../src/cli/options.ts';
import { tsoci } from './program.ts';

const test = suite('cli: help');
const commands = await loadCommands();

test('commands are told of in the global help, options in that of their command', () => {
  const global = globalHelp(commands);
  for (const { name, summary } of commands)
    assert.ok(global.includes(`  ${name} `) && global.includes(summary.slice(0, 40)), name);
  for (const { long } of GLOBAL_OPTIONS) assert.ok(global.includes(`--${long}`), long);
  for (const command of commands) {
    const help = commandHelp(command);
    for (const { long } of command.options)
      assert.ok(help.includes(`--${long}`), `${command.name} --${long}`);
  }
});

test('help fits a terminal of 80 columns', () => {
  for (const text of [globalHelp(commands), ...commands.map(commandHelp)])
    for (const line of text.split('\n'))
      assert.ok(line.length <= 80 || line.startsWith('  tsoci ') || !line.includes(' '), line);
});

test('a table has each option once, and its parts agree', () => {
  for (const options of [
    GLOBAL_OPTIONS,
    ...commands.map((command) => command.options),
  ] as (readonly Option[])[]) {
    const names = options.flatMap(({ long, short }) => (short ? [long, short] : [long]));
    assert.is(new Set(names).size, names.length, names.join(' '));
    assert.not.ok(names.includes('help') || names.includes('h'));
    for (const { long, short, kind, placeholder, choices, default: value } of options) {
      assert.is(kind === 'flag', placeholder === undefined, long);
      assert.ok(short === undefined || short.length === 1, long);
      if (choices && value !== undefined) assert.ok(choices.includes(String(value)), long);
    }
  }
});

test('every command has an example, and its example is accepted', () => {
  for (const command of commands) {
    assert.ok(command.examples.length > 0, command.name);
    for (const { line } of command.examples) {
      const [name, ...args] = line.replace(/ \|.*/, '').split(' ');
      assert.is(name, command.name);
      assert.ok(readArguments(command, args), line);
    }
  }
});

test('each command shows its help, wherever it is asked for', () => {
  const [create] = commands;
  for (const args of [
    ['create', '--help'],
    ['create', '-h'],
    ['create', 'web', '-help'],
    ['help', 'create'],
  ])
    assert.equal(tsoci(...args), { status: 0, stdout: create && commandHelp(create), stderr: '' });
  for (const args of [[], ['help'], ['--help'], ['-h', 'create']])
    assert.equal(tsoci(...args), { status: 0, stdout: globalHelp(commands), stderr: '' });
});

test('completions know every option and are valid', () => {
  const directory = mkdtempSync(join(tmpdir(), 'completions-'));
  const shells = [
    { shell: 'bash', text: bashCompletion(commands), prefix: '--' },
    { shell: 'zsh', text: zshCompletion(commands), prefix: '--' },
    { shell: 'fish', text: fishCompletion(commands), prefix: '-l ' },
  ];
  for (const { shell, text, prefix } of shells) {
    for (const { long } of [...GLOBAL_OPTIONS, ...commands.flatMap(({ options }) => options)])
      assert.ok(text.includes(`${prefix}${long}`), `${shell}: ${long}`);
    const file = join(directory, shell);
    writeFileSync(file, text);
    const checked = spawnSync(shell, ['-n', file], { encoding: 'utf8', timeout: 10_000 });
    if (checked.error) console.log(`skip: ${shell} is not installed`);
    else assert.equal([checked.status, checked.stderr], [0, ''], shell);
  }
  rmSync(directory, { recursive: true });
});

test('bash completes commands, options, values and operands', () => {
  const cases: [words: string[], completed: string][] = [
    [['tsoci', 'feat'], 'features'],
    [['tsoci', '--root', '/x', 'dele'], 'delete'],
    [['tsoci', '--log-f'], '--log-format'],
    [['tsoci', '--log-format', '=', 'j'], 'json'],
    [['tsoci', 'list', '-f', 'ta'], 'table'],
    [['tsoci', 'kill', '--all', 'web', 'KI'], 'KILL'],
    [['tsoci', '--root', '/x', 'state', 'w'], 'web-of-/x'],
  ];
  const list = `tsoci() { [ "$*" = '--root /x list --quiet' ] && echo web-of-/x; }`;
  for (const [words, completed] of cases) {
    const script = `${bashCompletion(commands)}\n${list}\nCOMP_WORDS=("$@") COMP_CWORD=$(($#-1))\n_tsoci\necho "\${COMPREPLY[*]}"`;
    const { stdout } = spawnSync('bash', ['-c', script, 'bash', ...words], {
      encoding: 'utf8',
      timeout: 10_000,
    });
    assert.is(stdout, `${completed}\n`, words.join(' '));
  }
});

const fish = spawnSync('fish', ['--version']).status === 0;
if (!fish) console.log('skipped: fish is not asked what it completes: it is not installed (Debian: fish)');
else
  test('fish completes commands, options, values and operands', () => {
    const cases: [line: string, completed: string][] = [
      ['tsoci feat', 'features'],
      ['tsoci --log-f', '--log-format'],
      ['tsoci --log-format j', 'json'],
      ['tsoci kill --all web KI', 'KILL'],
      ['tsoci --root /x state w', 'web-of-/x'],
      ['tsoci --root=/x state w', 'web-of-/x'],
    ];
    const list = 'function tsoci; echo web-of-(string replace -- --root= "" $argv | string match "/*"); end';
    for (const [line, completed] of cases) {
      const script = `${fishCompletion(commands)}\n${list}\ncomplete -C '${line}' | string replace -r '\\t.*' ''`;
      const { stdout } = spawnSync('fish', ['--no-config', '-c', script], {
        encoding: 'utf8',
        timeout: 10_000,
      });
      assert.is(stdout, `${completed}\n`, line);
    }
  });

test('there is a man page for each command, with its options, in lines that roff takes', () => {
  const pages = manPages(commands, '1.2.3');
  assert.is(pages.size, commands.length + 1);
  for (const { name, options } of commands) {
    const text = pages.get(`tsoci-${name}.8`) ?? '';
    for (const { long } of options)
      assert.ok(text.includes(`\\-\\-${long.replaceAll('-', '\\-')}`), `${name} --${long}`);
    assert.match(text, /^\.SH EXIT STATUS\nThe exit status is /m, name);
    for (const line of text.split('\n'))
      assert.match(line, /^(\.(\\"|(TH|SH|TP|PP|in|EX|EE|B|BR)\b)|[^.']|$)/, line);
  }
});

const formatter =
  spawnSync('man', ['--version']).status === 0 && spawnSync('groff', ['--version']).status === 0;
if (!formatter)
  console.log('skipped: man pages are not rendered: man and groff are not installed (Debian: man-db)');
else
  test('man renders the pages without a warning', () => {
    const directory = mkdtempSync(join(tmpdir(), 'man-'));
    try {
      const pages = manPages(commands, '1.2.3');
      for (const [name, text] of pages) writeFileSync(join(directory, name), text);
      const { status, stdout, stderr } = spawnSync('man', ['--warnings', '-l', ...pages.keys()], {
        cwd: directory,
        encoding: 'utf8',
        env: { ...process.env, MANWIDTH: '80', MANPAGER: 'cat' },
        timeout: 60_000,
      });
      assert.equal([status, stderr], [0, '']);
      assert.is(stdout.match(/^SEE ALSO/gm)?.length, pages.size);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

test.run();
