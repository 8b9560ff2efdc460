// `tsoci spec` composes a config by options, and `tsoci run` runs it.

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Config } from '../../src/config/generated/types.ts';
import { exampleConfig } from '../../src/config/spec.ts';
import { Sandbox } from './harness.ts';

const test = suite('spec');
const box = new Sandbox();
const file = join(box.bundle, 'config.json');

function composed(...args: string[]): Config {
  rmSync(file, { force: true });
  const { status, stdout, stderr } = box.tsoci('spec', ...args);
  assert.equal([status, stdout, stderr], [0, '', '']);
  assert.equal(readdirSync(box.bundle).sort(), ['config.json', 'rootfs'], 'no temporary file is left');
  return JSON.parse(readFileSync(file, 'utf8')) as Config;
}

function refused(args: readonly string[], message: RegExp): void {
  rmSync(file, { force: true });
  const { status, stderr } = box.tsoci('spec', ...args);
  assert.is(status, 1);
  assert.match(stderr, message);
  assert.is(stderr.trim().split('\n').length, 1, stderr);
  assert.equal(readdirSync(box.bundle), ['rootfs'], 'nothing is written');
}

test('without options it is the example', () => {
  assert.equal(composed(), JSON.parse(JSON.stringify(exampleConfig())));
});

test('each option is seen in the container', () => {
  const shared = join(box.directory, 'shared');
  mkdirSync(shared, { recursive: true });
  writeFileSync(join(shared, 'file'), 'of the host\n');
  const script = `id -u; id -g; pwd; hostname; echo $A,$B,$TERM; cat /mnt/file; touch /mnt/file && echo written
    touch /tmp/x && echo root is writable; tty`;
  composed(
    ...['--arg', 'sh', '--arg=-c', '--arg', script, '--env', 'A=1', '--env', 'B=x=y', '--env', 'TERM=dumb'],
    ...['--cwd', '/etc', '--user', '1000:1001', '--hostname', 'made', '--no-terminal', '--read-write'],
    ...['--bind', '../shared:/mnt:ro,nosuid'],
  );
  const { status, stdout, stderr } = box.tsoci('run', box.id());
  const lines = ['1000', '1001', '/etc', 'made', '1,x=y,dumb', 'of the host', 'not a tty'];
  assert.equal(stdout.trim().split('\n'), lines, stderr);
  assert.match(stderr, /\/mnt\/file: Read-only file system/);
  assert.match(stderr, /\/tmp\/x: Permission denied/, 'of root, but no file system is read-only');
  assert.is(status, 1);
});

test('--rootfs, --terminal and --read-only', () => {
  const { root, process } = composed('--rootfs', 'rootfs/bin', '--terminal', '--read-only');
  assert.equal(root, { path: join(box.rootfs, 'bin'), readonly: true });
  assert.is(process?.terminal, true);
  assert.is(composed('--read-write').root?.readonly, false);
});

test('--bind takes the tree unless its options say otherwise; a later variable takes the place of one', () => {
  const { mounts, process } = composed('--bind', '/a:/b', '--bind=/c:/d/../e/:bind,ro', '--env', 'PATH=/x');
  assert.equal(mounts?.slice(-2), [
    { destination: '/b', type: 'none', source: '/a', options: ['rbind'] },
    { destination: '/e/', type: 'none', source: '/c', options: ['bind', 'ro'] },
  ]);
  assert.equal(process?.env, ['PATH=/x', 'TERM=xterm']);
});

test('an existing file is not overwritten', () => {
  writeFileSync(file, 'mine');
  const { status, stderr } = box.tsoci('spec', '--arg', 'true');
  assert.is(status, 1);
  assert.match(stderr, /write .*config\.json: EEXIST/);
  assert.is(readFileSync(file, 'utf8'), 'mine');
  assert.equal(readdirSync(box.bundle).sort(), ['config.json', 'rootfs']);
});

const wrong: [args: string[], message: RegExp][] = [
  [['--bind', '/a'], /--bind: "\/a" is not SRC:DST/],
  [['--bind', ':/a'], /--bind: ":\/a" is not SRC:DST/],
  [['--bind', '/a:/b:ro:x'], /is not SRC:DST or SRC:DST:OPTIONS/],
  [['--bind', '/a:b'], /--bind: the destination "b" is no absolute path/],
  [['--bind', '/a:/b:size=1'], /--bind: "size=1" is no option of a bind mount/],
  [['--env', 'A'], /--env: "A" is not NAME=VALUE/],
  [['--env', '=A'], /--env: "=A" is not NAME=VALUE/],
  [['--cwd', 'tmp'], /--cwd: "tmp" is no absolute path/],
  [['--user', 'root'], /--user: "root" is not a numeric id/],
  [['--terminal', '--no-terminal'], /both --terminal and --no-terminal/],
  [['--read-only', '--read-write'], /both --read-only and --read-write/],
  [['--rootless', '--network', 'masquerade'], /--network needs root/],
  [['--network', 'bride=x'], /unknown network setting "bride"/],
  [['--rootless', '--user', '5'], /process\.user\.uid is 5/],
  [['--bundle', '/no/such'], /write \/no\/such\/config\.json: ENOENT/],
];
for (const [args, message] of wrong) test(args.join(' '), () => refused(args, message));

test.after(() => box.close());
test.run();
