// config.md#process: working directory, environment, arguments, and what every program finds open.

import { closeSync, openSync } from 'node:fs';
import type { Check } from '../harness/check.ts';
import { expect, expectEqual } from '../harness/expect.ts';
import { removeAt, setAt } from '../harness/json.ts';
import { prints, refuses } from '../harness/shapes.ts';

const LINKS = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
] as const;

export const checks: Check[] = [
  {
    id: 'process-cwd',
    section: 'config.md#process',
    level: 'MUST',
    requirement: 'The program starts in the directory process.cwd.',
    broken: { reads: '/process/cwd', as: '/' },
    run: prints(
      'pwd; readlink /proc/self/cwd',
      (config) => setAt(config, '/process/cwd', '/tmp'),
      '/tmp\n/tmp',
    ),
  },
  {
    id: 'process-cwd-relative',
    section: 'config.md#process',
    level: 'MUST',
    requirement: 'A relative process.cwd is an error.',
    musts: [2],
    broken: { reads: '/process/cwd', as: '/tmp' },
    run: refuses('process.cwd is relative', (config) => setAt(config, '/process/cwd', 'tmp')),
  },
  {
    id: 'process-cwd-missing',
    section: 'config.md#process',
    level: 'MUST',
    requirement: 'process without the required cwd is an error.',
    also: ['config.md#valid-values/1'],
    broken: { reads: '/process/cwd', as: '/tmp' },
    run: refuses('process.cwd is missing', (config) => removeAt(config, '/process/cwd')),
  },
  {
    id: 'process-env',
    section: 'config.md#process',
    level: 'MUST',
    requirement:
      'The variables of process.env are there as given, with spaces, quotes, line ends and equals signs.',
    broken: { ignores: '/process/env/-1' },
    run: prints(
      'printf "<%s>" "$EMPTY" "$PLAIN" "$ODD"',
      (config) => config.process.env.push('EMPTY=', 'PLAIN=value', 'ODD=a="b"\n $c'),
      '<><value><a="b"\n $c>',
    ),
  },
  {
    id: 'process-env-not-inherited',
    section: 'config.md#process',
    level: 'MUST',
    requirement: 'Variables of the runtime that process.env does not list are not passed on.',
    broken: { reads: '/process/env', as: ['PATH=/bin', 'LEAK=from the runtime'] },
    async run(trial) {
      const output = await trial.output('env', undefined, { env: { LEAK: 'from the runtime' } });
      expect(!output.includes('LEAK='), 'a variable of the runtime is there');
    },
  },
  {
    id: 'process-args-empty',
    section: 'config.md#process',
    level: 'MUST',
    requirement: 'An empty process.args, without the required first entry, is an error.',
    also: ['config.md#valid-values/1'],
    broken: { reads: '/process/args', as: ['true'] },
    run: refuses('process.args is empty', (config) => setAt(config, '/process/args', [])),
  },
  {
    id: 'process-no-terminal',
    section: 'config.md#process',
    level: 'MUST',
    requirement: 'Without terminal, the program has the streams of create, which are no terminal here.',
    broken: { reads: '/process/terminal', as: true },
    async run(trial) {
      const script =
        'for fd in 0 1 2; do test -t $fd && echo tty $fd; done; readlink /proc/self/fd/1; echo done';
      const container = await trial.stopped(script);
      expectEqual(container.output, `${container.outputFile}\ndone\n`, 'the output');
    },
  },
  {
    id: 'process-descriptors',
    section: 'runtime-linux.md#file-descriptors',
    level: 'MUST',
    requirement: 'Of the open files of create, the program has only the standard streams.',
    broken: { adds: '--preserve-fds=1', to: 'create' },
    async run(trial) {
      const file = openSync(trial.write('open', ''), 'r');
      trial.defer(() => closeSync(file));
      const script =
        'for fd in 3 4 5 6 7 8 9; do test -e /proc/self/fd/$fd && readlink /proc/self/fd/$fd; done; echo done';
      const output = await trial.output(script, undefined, { descriptors: [file, file] });
      expectEqual(output, 'done', 'the list of open files');
    },
  },
  ...LINKS.map(
    ([name, target]): Check => ({
      id: `dev-link-${name}`,
      section: 'runtime-linux.md#dev-symbolic-links',
      level: 'MUST',
      requirement: `/dev/${name} is a symbolic link to ${target}.`,
      musts: [1],
      broken: { sabotages: `rm /dev/${name}` },
      run: prints(`readlink /dev/${name}`, () => {}, target),
    }),
  ),
];
