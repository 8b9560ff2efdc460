// Wrong use: one line that says what is wrong, exit status 1, of exec 255.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { executable, tsoci } from './program.ts';

const test = suite('cli: usage');

const cases: [args: string[], message: RegExp][] = [
  [['creat', 'web'], /^unknown command creat; did you mean create\?$/],
  [['frobnicate'], /^unknown command frobnicate; tsoci --help lists them$/],
  [['__proto__'], /^unknown command __proto__/],
  [['--rot', '/x', 'list'], /^unknown option --rot; did you mean --root\?$/],
  [['create'], /^create: ID is missing; usage: tsoci create \[OPTIONS\] ID$/],
  [['state', 'one', 'two'], /^state: unexpected argument "two"; usage: /],
  [['create', '--bundel', '/b', 'web'], /^unknown option --bundel; did you mean --bundle\?$/],
  [['create', '--preserve-fds', '-1', 'web'], /--preserve-fds: -1 is negative/],
  [['create', '--pid-file', '', 'web'], /--pid-file needs a path/],
  [['kill', 'web', 'SIGBOGUS'], /^unknown signal SIGBOGUS/],
  [['kill', '--regex', '('], /regular expression/],
  [['exec'], /^exec: CONTAINER is missing/],
  [['exec', '--usr', '0', 'web', 'id'], /^unknown option --usr/],
  [['exec', 'web', '--'], /^exec: the command to execute is missing/],
  [['exec', 'web'], /^exec: the command to execute is missing/],
  [['exec', '--user', 'root', 'web', 'id'], /--user: "root" is not a numeric id/],
  [['exec', '--user', '0:0:0', 'web', 'id'], /--user: "0:0:0" is not UID or UID:GID/],
  [['exec', '--user', '4294967295', 'web', 'id'], /is not a numeric id/],
  [['exec', '-g', 'wheel', 'web', 'id'], /--additional-gids: "wheel" is not a numeric id/],
  [['exec', '--cwd', 'tmp', 'web', 'id'], /--cwd: "tmp" is no absolute path/],
  [['exec', '--env', 'NAME', 'web', 'id'], /--env: "NAME" is not NAME=VALUE/],
  [['list', '--format', 'yaml'], /--format: "yaml" is none of table, json/],
  [['--log-format', 'xml', 'list'], /--log-format: "xml" is none of text, json/],
  [['--root', '/', 'list'], /--root: "\/" is no place for state/],
  [['--root', '', 'list'], /--root: "" is no place for state/],
  [['--cgroup-manager', 'openrc', 'list'], /is none of cgroupfs, systemd, disabled/],
  [['update', '--memory', 'lots', 'web'], /--memory: "lots" is no number of bytes/],
  [['events', '--interval', '5', 'web'], /--interval: "5" is no time/],
];

for (const [args, message] of cases) {
  test(`tsoci ${args.join(' ')}`, () => {
    const { status, stdout, stderr } = tsoci(...args);
    assert.equal([status, stdout], [args[0] === 'exec' ? 255 : 1, '']);
    assert.match(stderr, /^tsoci: [^\n]*\n$/);
    assert.match(stderr.slice('tsoci: '.length, -1), message);
  });
}

test('--version names the version, the commit and the specification', () => {
  for (const option of ['--version', '-v', '-version']) {
    const { status, stdout } = tsoci(option);
    assert.is(status, 0);
    assert.match(
      stdout,
      /^tsoci version \d+\.\d+\.\d+\ncommit: \S+\nspec: 1\.3\.0\n(libseccomp: \d+\.\d+\.\d+\n)?$/,
    );
  }
});

test('containers are listed in the shape of runc', () => {
  const root = mkdtempSync(join(tmpdir(), 'list-'));
  try {
    const header = 'ID          PID         STATUS      BUNDLE      CREATED     OWNER\n';
    assert.is(tsoci('--root', root, 'list').stdout, header);
    assert.is(tsoci('--root', root, 'list', '-f', 'json').stdout, '[]\n');
    assert.is(tsoci('--root', root, 'list', '-q').stdout, '');
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('output that nobody reads any more is no error to tell of', () => {
  if (!existsSync(executable)) return console.log('skip: there is no dist/tsoci');
  // Not a configuration: there is something to tell.
  const validate = `validate ${join(import.meta.dirname, '..', '..', 'package.json')}`;
  for (const command of ['list', 'features', 'help', '--version', 'create --help', 'ns', validate]) {
    // The reader is gone before the writer comes.
    const script = `{ sleep 0.1; exec ${executable} ${command}; } | true; exit \${PIPESTATUS[0]}`;
    const { status, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8', timeout: 20_000 });
    assert.equal([command, status, stderr], [command, 141, '']);
  }
  const full = spawnSync('sh', ['-c', `${executable} features >/dev/full`], { encoding: 'utf8' });
  assert.is(full.status, 1);
  assert.match(full.stderr, /^tsoci: write to standard output: ENOSPC/);
});

test('delete --force of a container that does not exist succeeds', () => {
  const root = mkdtempSync(join(tmpdir(), 'delete-'));
  try {
    assert.equal(tsoci('--root', root, 'delete', '--force', 'none'), { status: 0, stdout: '', stderr: '' });
    assert.is(tsoci('--root', root, 'delete', 'none').status, 1);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('the variables of Node are not for the executable', () => {
  if (!existsSync(executable)) return console.log('skip: there is no dist/tsoci');
  const coverage = join(tmpdir(), `coverage-${process.pid}`);
  // Node would refuse the first, write a file for the second, and to standard error for the third.
  const variables = { NODE_OPTIONS: '--bogus', NODE_V8_COVERAGE: coverage, NODE_DEBUG: 'timer' };
  const options = { env: { ...process.env, ...variables }, encoding: 'utf8', timeout: 60_000 } as const;
  const { status, stderr } = spawnSync(executable, ['--version'], options);
  assert.equal({ status, stderr }, { status: 0, stderr: '' });
  assert.not(existsSync(coverage));
});

test.run();
