// Device nodes and links of /dev.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hold } from '../namespaces/cells.ts';
import { type Change, Sandbox, TIMEOUT, tsociPath, userNamespace } from './harness.ts';
import { refusal } from './mounting.ts';

const test = suite('devices');
const box = new Sandbox();

test('/dev/core is there where /proc/kcore is', () => {
  const look = 'test -L /dev/core && echo link; true';
  assert.is(box.run(look), existsSync('/proc/kcore') ? 'link\n' : '');
  const output = box.run(look, (config) => {
    config.mounts = (config.mounts ?? []).filter(({ destination }) => destination !== '/proc');
    delete config.linux.maskedPaths;
    delete config.linux.readonlyPaths;
  });
  assert.is(output, '', 'without /proc');
});

type Device = NonNullable<NonNullable<Parameters<Change>[0]['linux']>['devices']>[number];
const zero: Device = { path: '/dev/mine', type: 'c', major: 1, minor: 5 };

const having =
  (...devices: Device[]): Change =>
  (config) => {
    userNamespace(config);
    config.linux.devices = devices;
  };

const look = (...paths: string[]) => `stat -c '%n %F %a %u:%g %t:%T' ${paths.join(' ')}`;

test('a device in a user namespace has the mode, owner and number of the config', () => {
  const change = having(
    { ...zero, fileMode: 0o1600, uid: 5, gid: 6 },
    { ...zero, path: '/dev/made/default' },
    // Of a number that the host has no node of.
    { ...zero, path: '/dev/loop', type: 'b', major: 7, minor: 0xfff12, fileMode: 0o640, gid: 9 },
    { path: '/dev/pipe', type: 'p', fileMode: 0o622, uid: 3 },
    { ...zero, path: '/dev/null', major: 1, minor: 3, fileMode: 0o600 },
  );
  const script = `umask 077; dd if=/dev/made/default bs=3 count=1 2>/dev/null | wc -c; cd /; ls -A | wc -l
    ${look('/dev/mine', '/dev/made/default', '/dev/loop', '/dev/pipe', '/dev/null')}`;
  const before = statSync('/dev/zero').mode;
  const [read, names, ...lines] = box.run(script, change).trim().split('\n');
  assert.equal([read, Number(names)], ['3', readdirSync(box.rootfs).length]);
  assert.equal(lines, [
    '/dev/mine character special file 1600 5:6 1:5',
    '/dev/made/default character special file 666 0:0 1:5',
    '/dev/loop block special file 640 0:9 7:fff12',
    '/dev/pipe fifo 622 3:0 0:0',
    '/dev/null character special file 600 0:0 1:3',
  ]);
  assert.is(statSync('/dev/zero').mode, before, 'that of the host');
});

test('the same in a user namespace that is joined', () => {
  const holder = hold(box, 'user');
  try {
    const output = box.run(look('/dev/mine'), (config) => {
      config.linux.namespaces?.push({ type: 'user', path: `/proc/${holder.pid}/ns/user` });
      config.linux.devices = [{ ...zero, fileMode: 0o600, uid: 5, gid: 6 }];
    });
    assert.is(output, '/dev/mine character special file 600 5:6 1:5\n');
  } finally {
    holder.end();
  }
});

test('an owner that nobody can be is an error', () => {
  const said = refusal(box, having({ ...zero, uid: 70_000 }));
  assert.match(said, /make device \/dev\/mine: uid 70000 is not mapped in the user namespace/);
});

test('a file at the place of a device in a user namespace is an error, but not what a device was bound on', () => {
  const place = join(box.rootfs, 'place');
  const device = { ...zero, path: '/place' };
  writeFileSync(place, '');
  assert.is(box.run('test -c /place && echo yes', having(device)), 'yes\n');
  writeFileSync(place, 'content');
  assert.match(refusal(box, having(device)), /make device \/place: a file that is not this device is there/);
  rmSync(place);
});

/** What a root without the rights of the host has and is told: one of a user namespace above the container's. */
function toldBelow(...devices: Device[]): string {
  box.configure(look('/dev/mine'), having(...devices));
  const script = `cd "$1"; shift; trap 'rm -f pid go' EXIT
    unshare --user --mount sh -c 'echo $$ >pid; while ! test -e go; do sleep 0.01; done; exec "$@"' sh "$@" &
    while ! test -s pid; do sleep 0.01; done
    for map in uid_map gid_map; do echo 0 0 4294967295 >/proc/$(cat pid)/$map; done
    touch go; wait $!`;
  const run = [tsociPath, '--root', box.root, '--cgroup-manager', 'disabled', 'run', box.id()];
  const { stdout, stderr } = spawnSync('sh', ['-c', script, 'sh', box.bundle, ...run], {
    encoding: 'utf8',
    timeout: TIMEOUT,
  });
  return stdout + stderr;
}

test('where nobody may make devices, one of the host is bound if it is as the config says, or it is an error', () => {
  assert.match(toldBelow(zero), /^\/dev\/mine character special file 666 65534:65534 1:5$/m);
  assert.match(toldBelow({ ...zero, fileMode: 0o666 }), /^\/dev\/mine character special file 666/m);
  assert.match(toldBelow({ ...zero, fileMode: 0o600 }), /not allowed here, .* has fileMode 0666, not 0600/);
  assert.match(toldBelow({ ...zero, uid: 5 }), /not allowed here, .* has uid 65534, not 5/);
  assert.match(toldBelow({ ...zero, minor: 250 }), /not allowed here, and the host has no 1:250 to bind/);
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
