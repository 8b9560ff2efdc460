// The environment that the processes of a container find: one entry for each name.

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hookNames } from '../../src/config/rules/hooks.ts';
import { type Change, Sandbox, tsociPath } from './harness.ts';

const test = suite('environment');
const box = new Sandbox();
/** Its own environment as execve(2) was given it, not as a shell has it. */
const look = ['cat', '/proc/self/environ'];

const withEnv =
  (...env: string[]): Change =>
  ({ process }) => {
    process.args = look;
    process.env = env;
  };

function seen(environ: string): string[] {
  return environ.split('\0').slice(0, -1);
}

/** Without what a shell adds, sorted: it has an order of its own. */
function seenByShell(environ: string): string[] {
  return seen(environ)
    .filter((entry) => !/^(PWD|OLDPWD|SHLVL|_)=/.test(entry))
    .sort();
}

for (const [what, given, expected] of [
  ['the last one wins', ['A=first', 'HOME=/', 'A=last'], ['A=last', 'HOME=/']],
  ['an equals sign in a value is the value', ['A=b=c', 'HOME=/', 'A=b=d'], ['A=b=d', 'HOME=/']],
  ['a name may begin another', ['AB=1', 'A=2', 'HOME=/'], ['AB=1', 'A=2', 'HOME=/']],
  ['an empty value is one', ['A=1', 'A=', 'HOME=/'], ['A=', 'HOME=/']],
  ['an empty HOME is that of passwd', ['HOME=', 'A=1'], ['HOME=/root', 'A=1']],
  ['the last HOME is empty', ['HOME=/a', 'HOME='], ['HOME=/root']],
  ['what has no value is left as it is', ['A', 'A=1', 'HOME=/', 'A'], ['A', 'A=1', 'HOME=/']],
] as [string, string[], string[]][]) {
  test(`process.env: ${what}`, () => {
    assert.equal(seen(box.run('', withEnv('PATH=/bin', ...given))), ['PATH=/bin', ...expected]);
  });
}

test('exec --env replaces a variable of the container, and of two the last one wins', () => {
  const id = box.id();
  box.configure('sleep 1000', ({ process }) => {
    process.env = ['PATH=/nowhere', 'A=container', 'B=container', 'HOME=/home'];
    process.args = ['/bin/sleep', '1000'];
  });
  assert.is(box.detached('run', '--detach', id), 0);
  const env = ['A=first', 'A=last', 'PATH=/bin', 'C='].flatMap((entry) => ['--env', entry]);
  const { stdout, stderr } = box.tsoci('exec', ...env, id, ...look);
  assert.equal([seen(stdout), stderr], [['PATH=/bin', 'A=last', 'B=container', 'HOME=/home', 'C='], '']);
  // With an empty HOME it is that of the user.
  const user = box.tsoci('exec', '--env', 'HOME=', '--env', 'PATH=/bin', '--user', '1000', id, ...look);
  assert.ok(seen(user.stdout).includes('HOME=/home/user'), user.stdout);

  const file = join(box.directory, 'process.json');
  writeFileSync(file, JSON.stringify({ cwd: '/', args: look, env: ['PATH=/bin', 'A=1', 'A=2'] }));
  assert.equal(seen(box.tsoci('exec', '--process', file, id).stdout), ['PATH=/bin', 'A=2', 'HOME=/root']);
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

const kinds = hookNames.filter((name) => name !== 'startContainer');

test('hooks without env have the environment of tsoci, startContainer hooks that of the process', () => {
  const log = (kind: string) => join(box.directory, kind);
  box.configure('sleep 1000', (config) => {
    const script = (to: string) => ({ path: '/bin/sh', args: ['sh', '-c', `env -0 >${to}`] });
    config.hooks = Object.fromEntries(kinds.map((kind) => [kind, [script(log(kind))]]));
    config.hooks.startContainer = [script('/tmp/started')];
    config.process.env = ['PATH=/bin', 'A=process', 'B=1', 'B=2', 'HOME='];
  });
  const id = box.id();
  // The hooks of the host need its PATH.
  const env = { PATH: process.env.PATH, A: 'runtime', B_C: 'd=e' };
  for (const args of [
    ['create', id],
    ['start', id],
    ['delete', '--force', id],
  ]) {
    const { status } = spawnSync(tsociPath, ['--root', box.root, ...args], {
      cwd: box.bundle,
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    assert.is(status, 0, args.join(' '));
  }
  const variables = Object.entries(env)
    .map(([name, value]) => `${name}=${value}`)
    .sort();
  for (const kind of kinds) assert.equal(seenByShell(readFileSync(log(kind), 'utf8')), variables, kind);
  const started = readFileSync(join(box.rootfs, 'tmp', 'started'), 'utf8');
  assert.equal(seenByShell(started), ['A=process', 'B=2', 'HOME=/root', 'PATH=/bin']);
});

test('of two variables in the env of a hook the last one wins; an empty list is an empty environment', () => {
  const log = join(box.directory, 'hook');
  const args = ['sh', '-c', `/usr/bin/env -0 >${log}`];
  for (const [env, expected] of [
    [
      ['A=1', 'PATH=/bin', 'A=2'],
      ['A=2', 'PATH=/bin'],
    ],
    [[], []],
  ] as [string[], string[]][]) {
    box.run('true', (config) => {
      config.hooks = { createRuntime: [{ path: '/bin/sh', args, env }] };
    });
    assert.equal(seenByShell(readFileSync(log, 'utf8')), expected);
  }
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
