// Flags of mounts: which a bind mount has of its source, which a change takes, and what is said of those that nobody knows.

import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Change, Sandbox, TIMEOUT, tsociPath, userNamespace } from './harness.ts';
import { bind, mounting, refusal } from './mounting.ts';

const test = suite('mount flags');
const box = new Sandbox();
const source = join(box.directory, 'source');
mkdirSync(source);

/**
 * A container in a mount namespace with a tmpfs as the source, which has another below it, both with options of their own.
 * `inside` is what executes the runtime there.
 */
function runWith(
  made: string,
  options: string[],
  inside: string[],
  change: Change,
): SpawnSyncReturns<string> {
  box.configure('grep " /mnt" /proc/self/mounts', (config) => {
    // A user namespace of one user has no group 5.
    config.mounts = (config.mounts ?? []).filter(({ type }) => type !== 'devpts');
    mounting(bind('/mnt', source, ...options))(config);
    change(config);
  });
  const script = `mount --make-rprivate /; mount -t tmpfs upper ${source}; mkdir ${source}/below
    mount -t tmpfs lower ${source}/below
    for m in ${source}/below ${source}; do mount -o remount,bind,${made} $m; done
    exec "$@"`;
  const tsoci = [tsociPath, '--root', box.root, '--cgroup-manager', 'disabled'];
  const run = ['sh', '-ec', script, 'sh', ...inside, ...tsoci, 'run', '--bundle', box.bundle, box.id()];
  return spawnSync('unshare', ['--mount', ...run], { encoding: 'utf8', timeout: TIMEOUT });
}

/** The options of mounts at and below /mnt. */
function flagsOf(
  made: string,
  options: string[],
  { inside = [], change = () => {} }: { inside?: string[]; change?: Change } = {},
): string[] {
  const { status, stdout, stderr } = runWith(made, options, inside, change);
  assert.is(status, 0, stderr);
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' ')[3]?.replace(/,(size|uid|gid|inode64).*/, '') ?? line);
}

const strict = 'nosuid,nodev,noexec,relatime';
const flags: [what: string, made: string, options: string[], upper: string, lower?: string][] = [
  ['no option leaves all', `ro,${strict}`, [], `ro,${strict}`],
  ['propagation is no flag', `ro,${strict}`, ['rprivate'], `ro,${strict}`],
  ['rw clears all', `ro,${strict}`, ['rw'], 'rw,relatime', `ro,${strict}`],
  [
    'a flag clears those not named',
    `ro,${strict}`,
    ['nosuid', 'noexec'],
    'rw,nosuid,noexec,relatime',
    `ro,${strict}`,
  ],
  ['clearing one clears all', `rw,${strict}`, ['exec'], 'rw,relatime', `rw,${strict}`],
  ['a recursive flag clears nothing', `rw,${strict}`, ['rro'], `ro,${strict}`, `ro,${strict}`],
  ['recursive flags come after others', `ro,${strict}`, ['ro', 'rrw'], 'rw,relatime', `rw,${strict}`],
  ['access times stay', 'rw,nosuid,noatime', ['rw'], 'rw,noatime', 'rw,nosuid,noatime'],
  ['norelatime takes no mode away', 'rw,noatime', ['norelatime'], 'rw,noatime', 'rw,noatime'],
  ['norelatime takes relatime back', 'rw,noatime', ['relatime', 'norelatime'], 'rw,noatime', 'rw,noatime'],
  ['atime is the default', 'rw,noatime', ['atime'], 'rw,relatime', 'rw,noatime'],
  ['rnorelatime is the default', 'rw,noatime', ['rnorelatime'], 'rw,relatime', 'rw,relatime'],
  ['a mode clears nodiratime', 'rw,noatime,nodiratime', ['strictatime'], 'rw', 'rw,noatime,nodiratime'],
  ['diratime leaves the mode', 'rw,noatime,nodiratime', ['diratime'], 'rw,noatime', 'rw,noatime,nodiratime'],
];
for (const [what, made, options, upper, lower = upper] of flags)
  test(`bind: ${what}`, () => assert.equal(flagsOf(made, options), [upper, lower]));

test('bind in a user namespace: the same by the rights of the host', () => {
  assert.equal(flagsOf(`ro,${strict}`, ['rw'], { change: userNamespace }), ['rw,relatime', `ro,${strict}`]);
});

/** Whoever is root of a user namespace alone may not take from a mount what it had when it came. */
const below = ['unshare', '--user', '--map-root-user', '--mount'];

test('bind: flags that a user namespace has locked stay unless they are named, and then it is an error', () => {
  for (const options of [['ro'], ['nosuid'], ['rro'], ['norelatime']]) {
    const [upper] = flagsOf(`ro,${strict}`, options, { inside: below });
    assert.is(upper, `ro,${strict}`, String(options));
  }
  assert.is(flagsOf(`rw,${strict}`, ['rw'], { inside: below })[0], `rw,${strict}`);
  for (const option of ['rw', 'suid', 'exec', 'noatime', 'nodiratime', 'rrw']) {
    const { status, stderr } = runWith(`ro,${strict}`, [option], below, () => {});
    assert.is(status, 1, option);
    assert.match(stderr, /set flags: bind .* on \/mnt: EPERM .*; a user namespace keeps the flags/);
  }
});

test('a new filesystem takes recursive flags, the last of all', () => {
  const lines = box.run(
    'grep " /mnt" /proc/self/mounts',
    mounting(
      { destination: '/mnt/ro', type: 'tmpfs', options: ['rro', 'rnosuid', 'rnoatime'] },
      { destination: '/mnt/rw', type: 'tmpfs', options: ['ro', 'rrw', 'norelatime'] },
    ),
  );
  assert.match(lines, /\/mnt\/ro tmpfs ro,nosuid,noatime,?.*\n.*\/mnt\/rw tmpfs rw,relatime/);
});

test('a change takes propagation too, and needs no filesystem type', () => {
  const lines = box.run(
    'grep " /mnt" /proc/self/mountinfo',
    mounting(
      { destination: '/mnt', type: 'tmpfs' },
      { destination: '/mnt', options: ['remount', 'bind', 'nosuid', 'shared'] },
      { destination: '/mnt/in', type: 'tmpfs' },
      { destination: '/mnt/in', options: ['rprivate'] },
    ),
  );
  assert.match(lines, /\/mnt rw,nosuid,relatime shared:\d+ - .*\n.*\/mnt\/in rw,relatime - /);
});

test('a change of what is no mount says so', () => {
  const said = refusal(box, mounting({ destination: '/tmp', options: ['remount', 'ro'] }));
  assert.match(said, /remount \/tmp: EINVAL .*; is anything mounted there\?/);
});

test('options that nobody knows are errors, by the name of what was meant', () => {
  assert.match(
    refusal(box, mounting(bind('/mnt', source, 'roo'))),
    /options\[1\] is "roo"; .*did you mean ro\?/,
  );
  assert.match(
    refusal(box, mounting({ destination: '/mnt', type: 'ramfs', options: ['roo'] })),
    /"roo"; .*ramfs/,
  );
  assert.match(
    refusal(box, mounting({ destination: '/mnt', type: 'tmpfs', options: ['roo'] })),
    /option roo: EINVAL/,
  );
});

test('validate asks the kernel for options of filesystems', () => {
  box.configure(
    'true',
    mounting({ destination: '/mnt', type: 'tmpfs', options: ['size=1k', 'roo', 'mode=9'] }),
  );
  const { status, stdout } = box.tsoci('validate', box.bundle);
  assert.is(status, 1);
  assert.match(stdout, /options\/1 is "roo": tmpfs: Unknown parameter 'roo'; .*did you mean ro\?/);
  assert.match(stdout, /options\/2 is "mode=9": tmpfs: Bad value for 'mode'/);
  assert.is(stdout.trim().split('\n').length, 2, stdout);
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
