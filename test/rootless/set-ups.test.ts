// Unusual set-ups of ordinary users: what works all the same, and what an error says where it cannot.

import { existsSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Change } from '../container/harness.ts';
import { RootlessSandbox } from './second-user.ts';

const test = suite('rootless set-ups');
/** A user and group that no file of the machine knows. */
const NOBODY = 54_321;

if (process.geteuid?.() !== 0) console.log('skipped: only root can act as another user');
else defineTests();
test.run();

function defineTests(): void {
  const box = new RootlessSandbox(NOBODY);
  const { environment } = box;

  /** Runs `id -u`, with an environment and a wrapper. */
  const run = (env: NodeJS.ProcessEnv, within: readonly string[] = [], change?: Change) => {
    Object.assign(box, { environment, within: [] });
    box.configure('id -u', change);
    Object.assign(box, { environment: { PATH: environment.PATH, ...env }, within });
    const { status, stdout, stderr } = box.tsoci('run', box.id());
    return status === 0 && stderr === '' ? stdout : stderr;
  };
  const XDG_RUNTIME_DIR = box.runtimeDirectory;
  /** Mappings as root of a user namespace gives them, who is 0 there. */
  const ofRoot: Change = ({ linux }) => {
    for (const mapping of [...(linux.uidMappings ?? []), ...(linux.gidMappings ?? [])]) mapping.hostID = 0;
  };
  const withoutUsers: Change = ({ linux }) => {
    linux.namespaces = (linux.namespaces ?? []).filter(({ type }) => type !== 'user');
    delete linux.uidMappings;
    delete linux.gidMappings;
  };
  const many: Change = ({ linux }) => {
    linux.uidMappings?.push({ containerID: 1, hostID: 100_000, size: 10 });
  };

  test('a user and a group without an entry in passwd and group, without HOME and USER', () => {
    assert.is(run({ XDG_RUNTIME_DIR }), '0\n');
  });

  // Seen with a relative XDG_RUNTIME_DIR taken as it is: the state was in the working directory.
  for (const env of [{}, { XDG_RUNTIME_DIR: '' }, { XDG_RUNTIME_DIR: 'run' }]) {
    test(`${JSON.stringify(env)}: the state would go to /run/user`, () => {
      assert.match(
        run(env),
        /make the state directory \/run\/user\/54321\/tsoci\/\S+: \w+ .*; XDG_RUNTIME_DIR or --root names another/,
      );
    });
  }

  test('many mappings: the user has no subordinate ids, or there is no newuidmap', () => {
    if (existsSync('/usr/bin/newuidmap'))
      assert.match(run({ XDG_RUNTIME_DIR }, [], many), /newuidmap \d+ 0 54321/);
    const without = run({ XDG_RUNTIME_DIR }, ['env', 'PATH=/nonexistent'], many);
    assert.match(
      without,
      /uid_map: EPERM .*newuidmap could not be executed: is the package uidmap installed\?/,
    );
  });

  test('root of a user namespace, in a mount namespace that it has made and in one that it has not', () => {
    assert.is(run({ XDG_RUNTIME_DIR }, ['unshare', '--map-root-user', '--mount'], ofRoot), '0\n');
    // Seen without tryOpenHostTrees: bind /sys on /sys: EPERM.
    assert.is(run({ XDG_RUNTIME_DIR }, ['unshare', '--map-root-user'], ofRoot), '0\n');
  });

  // Seen before: give up groups: EPERM.
  test('root of a user namespace that denies setgroups, and a container without one of its own', () => {
    assert.is(run({ XDG_RUNTIME_DIR }, ['unshare', '--map-root-user'], withoutUsers), '0\n');
  });

  const limited = (type: string) => [
    ...['unshare', '--map-root-user', 'sh', '-c'],
    `echo 0 >/proc/sys/user/max_${type}_namespaces; exec "$@"`,
    'sh',
  ];
  for (const type of ['user', 'pid', 'uts'])
    test(`no ${type} namespace to be had: the error names the limit`, () => {
      assert.match(
        run({ XDG_RUNTIME_DIR }, limited(type), ofRoot),
        /make the namespaces of the container: ENOSPC .*\/proc\/sys\/user\/max_\*_namespaces/,
      );
    });

  test('without a user namespace', () => {
    const without = run({ XDG_RUNTIME_DIR }, [], withoutUsers);
    assert.match(
      without,
      /make the namespaces .*: EPERM .*; without the rights of root it takes a user namespace too/,
    );
  });

  test('without /proc', () => {
    const script = 'mount -t tmpfs x /proc; exec "$@"';
    const hidden = ['unshare', '--map-root-user', '--mount', 'sh', '-c', script, 'sh'];
    assert.match(
      run({ XDG_RUNTIME_DIR }, hidden, ofRoot),
      /is \/proc mounted\? .*\/proc\/self\/exe: ENOENT /,
    );
  });

  test('nothing is left behind', () => {
    Object.assign(box, { environment, within: [] });
    assert.equal(box.leftovers(), []);
  });

  test.after(() => box.close());
}
