// `tsoci debug` at a terminal, with a session and a controlling terminal of its own; and the ends of whoever debugs. After each
// nothing is left of what was made.

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Change, eventually, Sandbox, TIMEOUT, tsociPath } from '../container/harness.ts';

if (spawnSync('python3', ['-c', 'import pty']).status !== 0) {
  console.log('skip: a terminal of its own takes python3');
  process.exit(0);
}

const box = new Sandbox();
test.after(() => box.close());

type Steps = readonly (readonly [shown: readonly string[], then: string])[];

const PROMPT = '(tsoci) ';

/** Debugs on a terminal; what was shown, without colours and movements of the cursor, and the wait status. */
function onTerminal(args: readonly string[], steps: Steps, env: NodeJS.ProcessEnv = {}): string {
  const file = join(box.directory, 'steps.json');
  writeFileSync(file, JSON.stringify(steps));
  const script = join(import.meta.dirname, 'terminal.py');
  const words = [script, file, tsociPath, '--root', box.root, ...args];
  const { stdout, stderr } = spawnSync('python3', words, {
    encoding: 'utf8',
    timeout: TIMEOUT,
    cwd: box.bundle,
    env: { ...process.env, TERM: 'xterm', NO_COLOR: '1', SHELL: '/bin/sh', ...env },
  });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the terminal has them
  return (stdout + stderr).replace(/\x1b\[[\d;]*[A-Za-z]/g, '').replaceAll('\r', '');
}

function nothingIsLeft(): void {
  eventually('nothing is left', () => box.leftovers().length === 0);
}

const debug = (...args: string[]) => ['debug', ...args, box.id()];
const stopAt = (where: string, then: string): Steps => [
  [['help.', PROMPT], `break ${where}\n`],
  [[`breakpoint 2: ${where}`, PROMPT], 'c\n'],
  [['breakpoint 2 before', PROMPT], then],
];

/** A process that no signal of a terminal ends. */
const stubborn: Change = ({ process }) => {
  process.args = [
    '/bin/sh',
    '-c',
    'trap "echo interrupted; exit 7" INT; trap "" HUP TERM; echo up; while :; do sleep 1; done',
  ];
};

test('commands, completion by the tabulator, history and an empty line that repeats', () => {
  box.configure('true');
  const shown = onTerminal(debug(), [
    [['help.', PROMPT], 'bre\t'],
    [['break '], 'mounts[1]\n'],
    [['breakpoint 2: mounts[1]', PROMPT], 'c\n'],
    [['breakpoint 2 before', PROMPT], 's\n'],
    [['stopped before', PROMPT], '\n'],
    [['stopped before', PROMPT], '\x1b[A\n'],
    [['stopped before', PROMPT], 'q\n'],
  ]);
  assert.match(shown, /given up in the debugger/, shown);
  assert.match(shown, /STATUS 256/);
  nothingIsLeft();
});

test('no line is longer than a terminal is wide', () => {
  box.configure('true');
  const shown = onTerminal(debug(), [
    ...stopAt('mounts[2]', 'where\n'),
    [['spec ', PROMPT], 'list\n'],
    [['>', PROMPT], 'print mounts\n'],
    [['pivot_root', PROMPT], 'help\n'],
    [['quit', PROMPT], 'q\n'],
  ]);
  assert.not.match(shown, /NOT SHOWN/, shown);
  for (const line of shown.split('\n')) assert.ok(line.length <= 80 || line.startsWith('tsoci: '), line);
  nothingIsLeft();
});

test('colours on a terminal, but not where NO_COLOR is set', () => {
  box.configure('true');
  const steps: Steps = [[['help.', PROMPT], 'q\n']];
  const file = join(box.directory, 'steps.json');
  writeFileSync(file, JSON.stringify(steps));
  const words = [join(import.meta.dirname, 'terminal.py'), file, tsociPath, '--root', box.root, ...debug()];
  const colours = (env: NodeJS.ProcessEnv) =>
    spawnSync('python3', words, {
      encoding: 'utf8',
      cwd: box.bundle,
      env: { ...process.env, TERM: 'xterm', ...env },
    }).stdout.includes('\x1b[1m');
  assert.ok(colours({ NO_COLOR: '' }));
  assert.not(colours({ NO_COLOR: '1' }));
});

test('a shell has the namespaces of init, the programs of the host, and job control', () => {
  box.configure('true');
  const shown = onTerminal(debug(), [
    ...stopAt('mounts[3]', 'shell\n'),
    [
      ['No mount stays'],
      'echo; hostname; ls -d proc; mount -t tmpfs x /mnt/tmp && echo mounted; tty; exit\n',
    ],
    [[PROMPT], 'print mounts\n'],
    [['go with pivot_root', PROMPT], 'q\n'],
  ]);
  assert.match(shown, /^tsoci$/m, shown);
  assert.match(shown, /^proc$/m);
  assert.match(shown, /^mounted$/m);
  assert.not.match(shown, /job control|process group/);
  // What was mounted there was the shell's alone.
  assert.not.match(shown, /^\/tmp +tmpfs/m);
  nothingIsLeft();
});

for (const [what, then] of [
  ['Ctrl-C', '\x03'],
  ['Ctrl-D', '\x04'],
  ['quit', 'quit\n'],
  ['a closed terminal', 'HANGUP'],
  ['kill -9 of the debugger', 'KILL'],
  ['kill of the debugger', 'TERM'],
] as const)
  test(`${what} takes all back that was made so far`, () => {
    box.configure('true');
    const shown = onTerminal(debug(), stopAt('pivot_root', then));
    assert.not.match(shown, /NOT SHOWN/, shown);
    nothingIsLeft();
  });

test('the process of the container has the terminal, and its signals', () => {
  box.configure('', stubborn);
  const shown = onTerminal(debug(), [
    [['help.', PROMPT], 'c\n'],
    [['up'], '\x03'],
  ]);
  assert.match(shown, /interrupted/, shown);
  assert.match(shown, new RegExp(`STATUS ${7 << 8}`));
  nothingIsLeft();
});

for (const [what, then] of [
  ['a closed terminal', 'HANGUP'],
  ['kill -9 of the debugger', 'KILL'],
  ['kill of the debugger', 'TERM'],
] as const)
  test(`${what} ends a container that runs already`, () => {
    box.configure('', stubborn);
    const shown = onTerminal(debug(), [
      [['help.', PROMPT], 'c\n'],
      [['up'], then],
    ]);
    assert.not.match(shown, /NOT SHOWN/, shown);
    nothingIsLeft();
  });

test('edit opens an editor with the config', () => {
  box.configure('true', ({ process }) => {
    process.args = ['/bin/ecko', 'reached'];
  });
  const shown = onTerminal(
    debug(),
    [
      [['help.', PROMPT], 'c\n'],
      [['error: ', PROMPT], 'edit\n'],
      [['read again: process.args[0]', PROMPT], 'retry\n'],
    ],
    { EDITOR: 'sed -i s/ecko/echo/', VISUAL: '' },
  );
  assert.match(shown, /^reached$/m, shown);
  assert.match(shown, /STATUS 0/);
  nothingIsLeft();
});

test('run --on-error=shell opens a shell at the failure', () => {
  box.configure('true', ({ process }) => {
    process.args = ['/bin/missing'];
  });
  const shown = onTerminal(
    ['run', '--on-error=shell', box.id()],
    [[['no such file'], 'echo; hostname; exit\n']],
  );
  assert.match(shown, /^tsoci$/m, shown);
  nothingIsLeft();
});

test.run();
