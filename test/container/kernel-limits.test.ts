// What the kernel lets nobody have any more of: namespaces (namespaces(7), /proc/sys/user) and keys (keyrings(7)). The error
// names the limit, and nothing is left.

import { spawnSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { KEY_SPEC_SESSION_KEYRING, KEYCTL_JOIN_SESSION_KEYRING } from '../../src/linux/constants.ts';
import { EDQUOT } from '../../src/linux/errno.ts';
import { cString, syscall } from '../../src/linux/ffi.ts';
import { SYS } from '../../src/linux/syscalls.ts';
import { allTypes, namespaceTypes } from '../../src/namespaces/namespace-plan.ts';
import { type Change, Sandbox, TIMEOUT, tsociPath } from './harness.ts';

const test = suite('limits of the kernel');
const box = new Sandbox();

/** A script as root of a user namespace, which may have no more namespaces than it says. */
function withLimits(script: string): { status: number | null; stderr: string } {
  const { status, stderr } = spawnSync(
    'unshare',
    ['--user', '--map-root-user', '--mount', 'sh', '-c', script],
    {
      cwd: box.bundle,
      encoding: 'utf8',
      timeout: TIMEOUT,
    },
  );
  return { status, stderr };
}

/** All namespaces that there are. */
const ofAllTypes: Change = ({ linux }) => {
  linux.namespaces = allTypes.filter((type) => type !== 'user').map((type) => ({ type }));
};
const command = (words: string) => `${tsociPath} --root ${box.root} ${words}`;
const limit = (type: (typeof allTypes)[number], most: number) =>
  // Those of time count as what they are called in /proc.
  `echo ${most} >/proc/sys/user/max_${namespaceTypes[type].file}_namespaces`;
const named = /^tsoci: make .*namespace.*: ENOSPC .*\/proc\/sys\/user\/max_\*_namespaces/;

if (spawnSync('unshare', ['--user', '--map-root-user', 'true']).status !== 0)
  console.log('skipped: no user namespace can be made here');
else {
  // Seen for cgroup, which init makes itself: ENOSPC without a hint.
  for (const type of allTypes)
    test(`no ${type} namespace may be made`, () => {
      box.configure('true', (config) => {
        ofAllTypes(config);
        if (type === 'user') config.linux.namespaces?.push({ type });
        if (type === 'user') config.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 1 }];
        if (type === 'user') config.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 1 }];
      });
      const { status, stderr } = withLimits(`${limit(type, 0)} && ${command(`run ${box.id()}`)}`);
      assert.is(status, 1);
      assert.match(stderr, named);
      assert.equal(box.leftovers(), []);
    });

  test('the second container is one too many; the first is as before', () => {
    box.configure('sleep 1000', (config) => {
      ofAllTypes(config);
      // Of one user alone.
      config.mounts = [{ destination: '/proc', type: 'proc', source: 'proc' }];
    });
    const [first, second] = [box.id(), box.id()];
    const quiet = '</dev/null >/dev/null';
    const { status, stderr } = withLimits(
      `${limit('uts', 1)} && ${command(`create ${first}`)} ${quiet} &&
      { ${command(`create ${second}`)} ${quiet}; test $? = 1; } && ${command(`start ${first}`)}
      status=$?; ${command(`delete --force ${first}`)} && exit $status`,
    );
    assert.is(status, 0, stderr);
    assert.match(stderr, named);
    assert.equal(box.leftovers(), []);
  });
}

/** A user of the host that nobody else has. */
const USER = 412_345;
const ADD_KEY = process.arch === 'arm64' ? 217 : 248;

/** Has the user have as many keys as it may, in a session keyring of ours, until the result is called. */
function exhaustKeys(): () => void {
  process.seteuid?.(USER);
  try {
    assert.ok(syscall(SYS.keyctl, KEYCTL_JOIN_SESSION_KEYRING, cString('exhausted')) > 0);
    for (let i = 0; ; i++) {
      const key = syscall(
        ADD_KEY,
        cString('keyring'),
        cString(`key ${i}`),
        null,
        0,
        KEY_SPEC_SESSION_KEYRING,
      );
      if (key === -EDQUOT) break;
      assert.ok(key > 0, `add_key: ${key}`);
    }
  } finally {
    process.seteuid?.(0);
  }
  return () => assert.ok(syscall(SYS.keyctl, KEYCTL_JOIN_SESSION_KEYRING, cString('empty')) > 0);
}

const ofUser: Change = ({ linux }) => {
  linux.namespaces?.push({ type: 'user' });
  linux.uidMappings = [{ containerID: 0, hostID: USER, size: 10 }];
  linux.gidMappings = [{ containerID: 0, hostID: USER, size: 10 }];
};

if (process.geteuid?.() !== 0) console.log('skipped: keys of another user take root');
else
  test('no key may be made: the container has no keyring, and so there is none; without one it runs', () => {
    box.configure('echo ran', ofUser);
    const release = exhaustKeys();
    try {
      const { status, stderr } = box.tsoci('run', box.id());
      assert.is(status, 1);
      assert.match(
        stderr,
        /^tsoci: join session keyring _ses\.\S+: EDQUOT .*kernel\.keys\.maxkeys.*--no-new-keyring/,
      );
      assert.equal(box.leftovers(), []);
      assert.is(box.tsoci('run', '--no-new-keyring', box.id()).stdout, 'ran\n');
    } finally {
      release();
    }
  });

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
