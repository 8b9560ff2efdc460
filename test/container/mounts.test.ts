// Mounts of configurations and images that people have: links at destinations, sources in the root filesystem, tmpfs over
// what the image has.

import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Mount } from '../../src/config/generated/types.ts';
import { type Change, Sandbox, tsociPath, userNamespace } from './harness.ts';
import { bind, mounting, refusal } from './mounting.ts';

const test = suite('mounts');
const box = new Sandbox();
const source = join(box.directory, 'source');
mkdirSync(source);

test('nothing is mounted on the root, by whatever name', () => {
  assert.match(
    refusal(box, mounting({ destination: '/../', type: 'tmpfs' })),
    /destination is the root itself/,
  );
  symlinkSync('../..', join(box.rootfs, 'up'));
  const said = refusal(box, mounting({ destination: '/mnt', type: 'tmpfs' }, bind('/up', source)));
  assert.match(said, /on \/up: it is a link to the root/);
  rmSync(join(box.rootfs, 'up'));
});

/** Links of an image at whose ends nothing is, and what a file bound there becomes: content, and where it is. */
const chains: [what: string, links: [path: string, text: string][], destination: string, place: string][] = [
  ['absolute', [['etc/a', '/deep/er/file']], '/etc/a', '/deep/er/file'],
  ['relative', [['etc/a', '../run/x/file']], '/etc/a', '/run/x/file'],
  ['escaping', [['etc/a', '../../../../../../../out/file']], '/etc/a', '/out/file'],
  ['through missing directories', [['etc/a', 'no/../../run/y/file']], '/etc/a', '/run/y/file'],
  [
    'link to link',
    [
      ['etc/a', 'b'],
      ['etc/b', '/c'],
      ['c', 'etc/z'],
    ],
    '/etc/a',
    '/etc/z',
  ],
  ['a directory on the way', [['var', 'some/where']], '/var/log/file', '/some/where/log/file'],
  [
    'a link on the way, relative to where it is',
    [
      ['short', '/long/way/down'],
      ['long/way/down/a', '../b/file'],
    ],
    '/short/a',
    '/long/way/b/file',
  ],
  [
    'both',
    [
      ['var', '/some/var'],
      ['some/var/a', '/else/file'],
    ],
    '/var/a',
    '/else/file',
  ],
];

function emptyRoot(): void {
  for (const name of ['run', 'deep', 'out', 'some', 'long', 'short', 'var', 'else', 'c', 'etc', 'here'])
    rmSync(join(box.rootfs, name), { recursive: true, force: true });
  mkdirSync(join(box.rootfs, 'etc'));
}

for (const [what, links, destination, place] of chains)
  test(`a file is bound at the end of a dangling link: ${what}`, () => {
    emptyRoot();
    for (const [path, text] of links) {
      mkdirSync(dirname(join(box.rootfs, path)), { recursive: true });
      symlinkSync(text, join(box.rootfs, path));
    }
    const file = join(box.directory, 'file');
    writeFileSync(file, 'bound');
    assert.is(box.run(`cat ${destination} ${place}`, mounting(bind(destination, file))), 'boundbound');
    // What is left in the image is an empty file.
    assert.is(readFileSync(join(box.rootfs, place), 'utf8'), '');
  });

test('a dangling link is made to lead to a directory for a directory', () => {
  emptyRoot();
  symlinkSync('../here/it/is', join(box.rootfs, 'etc/a'));
  writeFileSync(join(source, 'name'), 'x');
  assert.is(box.run('ls /here/it/is', mounting(bind('/etc/a', source))), 'name\n');
});

test('links that come to nothing are errors', () => {
  emptyRoot();
  symlinkSync('b', join(box.rootfs, 'etc/a'));
  symlinkSync('../etc/a', join(box.rootfs, 'etc/b'));
  assert.match(refusal(box, mounting(bind('/etc/a', join(box.directory, 'file')))), /on \/etc\/a: ELOOP/);
  symlinkSync('/bin', join(box.rootfs, 'etc/bin'));
  const said = refusal(box, mounting(bind('/etc/bin', join(box.directory, 'file'))));
  assert.match(said, /the source is a file, and what is at the destination a directory/);
  symlinkSync('passwd/x', join(box.rootfs, 'etc/c'));
  writeFileSync(join(box.rootfs, 'etc/passwd'), '');
  assert.match(refusal(box, mounting(bind('/etc/c', join(box.directory, 'file')))), /ENOTDIR/);
});

for (const [what, change] of [
  ['as root', () => {}],
  ['in a user namespace', userNamespace],
] as [string, Change][])
  test(`a source may come from a mount before it, ${what}`, () => {
    emptyRoot();
    writeFileSync(join(source, 'name'), 'content');
    mkdirSync(join(box.rootfs, 'here'));
    writeFileSync(join(box.rootfs, 'here/name'), 'of the image');
    const inside = (path: string) => join(box.rootfs, path);
    const output = box.run('cat /file /tree/t/name /before; ls /ramdisk', (config) => {
      mounting(
        bind('/before', inside('here/name')),
        bind('/here', source),
        bind('/file', inside('here/name')),
        { destination: '/t', type: 'tmpfs' },
        bind('/t/made', source),
        bind('/tree/t', inside('t/made')),
        bind('/ramdisk', inside('t')),
      )(config);
      change(config);
    });
    assert.is(output, 'contentcontentof the imagemade\n');
    assert.match(
      refusal(box, mounting(bind('/mnt', inside('t/other')))),
      /bind .*\/t\/other on \/mnt: ENOENT/,
    );
  });

test('a tmpfs without mode is like the directory that it covers', () => {
  emptyRoot();
  for (const [name, mode] of [
    ['plain', 0o711],
    ['copied', 0o2755],
    ['given', 0o700],
    ['sticky', 0o1777],
  ] as const) {
    const path = join(box.rootfs, 'here', name);
    mkdirSync(path, { recursive: true });
    chownSync(path, 5, 6);
    chmodSync(path, mode);
  }
  const tmpfs = (destination: string, ...options: string[]): Mount => ({
    destination,
    type: 'tmpfs',
    options,
  });
  const change = mounting(
    tmpfs('/here/plain'),
    tmpfs('/here/copied', 'tmpcopyup', 'uid=7'),
    tmpfs('/here/given', 'mode=755'),
    tmpfs('/here/sticky'),
    tmpfs('/here/new'),
    tmpfs('/here/new/er'),
  );
  const look = 'cd /here; stat -c "%n %a %u:%g" plain copied given sticky new new/er';
  const expected = [
    'plain 711 5:6',
    'copied 2755 7:6',
    'given 755 0:0',
    'sticky 1777 5:6',
    'new 1777 0:0',
    'new/er 1777 0:0',
  ];
  assert.equal(box.run(look, change).trim().split('\n'), expected);
  // What belongs to nobody there is root's, whether or not there is a user of that id.
  for (const size of [1000, 65_536]) {
    const others = box.run(look, (config) => {
      userNamespace(config);
      for (const mappings of [config.linux.uidMappings, config.linux.gidMappings])
        if (mappings?.[0]) mappings[0].size = size;
      change(config);
    });
    assert.equal(others.trim().split('\n').slice(0, 2), ['plain 711 0:0', 'copied 2755 7:0']);
  }
});

// Seen with each tmpfs looked at by itself: three programs for each.
test('a hundred mounts go in few programs', () => {
  emptyRoot();
  const mounts = Array.from({ length: 100 }, (_, i): Mount => {
    const destination = `/here/${i}`;
    mkdirSync(join(box.rootfs, destination), { recursive: true });
    return i % 2 ? { destination, type: 'tmpfs' } : bind(destination, source);
  });
  const file = join(box.directory, 'trace');
  box.configure('true', mounting(...mounts));
  assert.is(box.tsoci(`--trace=${file}`, 'run', box.id()).status, 0);
  const programs = readFileSync(file, 'utf8').match(/ms init .* calls?>$/gm) ?? [];
  assert.ok(programs.length > 0 && programs.length < 30, String(programs.length));
});

/** Options of a tmpfs, and what proc_pid_mounts(5) has of them. */
const tmpfsOptions: [option: string, shown: string][] = [
  ['rw', 'rw,relatime'],
  ['nosuid', 'rw,nosuid,relatime'],
  ['nodev', 'rw,nodev,relatime'],
  ['noexec', 'rw,noexec,relatime'],
  ['noatime', 'rw,noatime'],
  ['strictatime', 'rw'],
  ['nodiratime', 'rw,nodiratime,relatime'],
  ['nosymfollow', 'rw,relatime,nosymfollow'],
  ['sync', 'rw,sync,relatime'],
  ['dirsync', 'rw,dirsync,relatime'],
  ['lazytime', 'rw,lazytime,relatime'],
];

test('options of a tmpfs are all set', () => {
  emptyRoot();
  const mounts = tmpfsOptions.map(([option], i): Mount => {
    mkdirSync(join(box.rootfs, `here/${i}`), { recursive: true });
    return { destination: `/here/${i}`, type: 'tmpfs', options: [option, 'size=8k'] };
  });
  const output = box.run('grep " /here/" /proc/mounts', mounting(...mounts));
  const lines = output.trim().split('\n');
  tmpfsOptions.forEach(([option, shown], i) => {
    const found = lines.find((line) => line.includes(` /here/${i} `))?.split(' ')[3];
    const flags = found?.slice(0, found.indexOf(',size=8k'));
    assert.equal(flags?.split(',').sort(), shown.split(',').sort(), `${option}: ${found}`);
  });
});

test('of many mounts the one that is refused is told', () => {
  emptyRoot();
  const mounts = Array.from({ length: 100 }, (_, i): Mount => {
    const destination = `/here/${i}`;
    mkdirSync(join(box.rootfs, destination), { recursive: true });
    return { destination, type: 'tmpfs', options: i === 77 ? ['nonsense=1'] : ['size=4k'] };
  });
  const said = refusal(box, mounting(...mounts));
  assert.match(said, /mount tmpfs on \/here\/77: option nonsense=1: EINVAL/);
  assert.match(said, /Unknown parameter 'nonsense'/);
});

test('many mounts are made where few descriptors may be open', () => {
  emptyRoot();
  const mounts = Array.from({ length: 40 }, (_, i): Mount => {
    const destination = `/here/${i}`;
    mkdirSync(join(box.rootfs, destination), { recursive: true });
    return i % 4 === 1 ? bind(destination, source, 'ro') : { destination, type: 'tmpfs' };
  });
  box.configure('grep -c " /here/" /proc/mounts', mounting(...mounts));
  const run = ['ulimit -n 20; exec "$@"', 'sh', tsociPath, '--root', box.root, 'run', box.id()];
  const { stdout, stderr } = spawnSync('sh', ['-c', ...run], { cwd: box.bundle, encoding: 'utf8' });
  assert.is(stdout, '40\n', stderr);
});

test('read-only filesystems in memory have in them what belongs there', () => {
  const output = box.run(
    'cd /dev; ls; echo x >null; touch shm/x; ! touch x; ! touch /ram/x; cat /ram/in/name',
    (config) => {
      for (const mount of config.mounts ?? []) if (mount.destination === '/dev') mount.options?.push('ro');
      mounting(
        { destination: '/ram', type: 'ramfs', options: ['ro'] },
        { destination: '/ram/in', type: 'tmpfs', options: ['rro'] },
        bind('/ram/in/name', '/etc/hostname'),
      )(config);
      config.process.terminal = false;
    },
  );
  for (const name of ['fd', 'mqueue', 'null', 'ptmx', 'pts', 'shm'])
    assert.match(output, new RegExp(`^${name}$`, 'm'));
  assert.not.match(output, /^x$/m);
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
