// The cgroup of an ordinary user's container: one below a cgroup that was delegated, or none (cgroup-v2.rst, "Delegation").

import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cgroupOfProcess, findHierarchy } from '../../src/cgroups/hierarchy.ts';
import { rootlessParent } from '../../src/cgroups/path.ts';
import { ensureUser, RootlessSandbox } from './second-user.ts';

const test = suite('rootless cgroups');
const user = ensureUser();
const hierarchy = findHierarchy();

if (user === undefined) console.log('skipped: only root can act as a second user');
else if (!hierarchy) console.log('skipped: cgroup v2 is not mounted');
else defineTests(user, hierarchy.mountPoint);
test.run();

function defineTests(uid: number, mountPoint: string): void {
  const box = new RootlessSandbox(uid);
  const delegated = `/tsoci-test-${process.pid}`;
  const at = (path: string) => join(mountPoint, delegated, path);
  const children = () =>
    readdirSync(at(''), { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? entry.name : []));

  test.before(() => {
    mkdirSync(at('session'), { recursive: true });
    for (const path of ['', 'session'])
      for (const file of ['', 'cgroup.procs', 'cgroup.threads', 'cgroup.subtree_control'])
        chownSync(join(at(path), file), uid, uid);
  });

  /** Commands of the user are in the delegated cgroup, or not. */
  function enter(isIn: boolean): void {
    const script = `echo $$ >${at('session')}/cgroup.procs && exec "$@"`;
    box.prefix = isIn ? ['sh', '-c', script, 'sh'] : [];
  }

  /** The cgroup of a process, from the delegated one. */
  function cgroupOf(pid: number | string): string | undefined {
    return new RegExp(`^0::${delegated}/(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1];
  }

  // Seen with /tsoci as the parent for all: no cgroup was made, the container was in session.
  for (const [what, cgroupsPath, place] of [
    ['without cgroupsPath beside that of the caller', undefined, (id: string) => `tsoci/${id}`],
    ['with a relative cgroupsPath', 'a/b', () => 'tsoci/a/b'],
    ['with an absolute cgroupsPath', `${delegated}/own/c`, () => 'own/c'],
  ] as const) {
    test(`${what}: made, entered by init and exec, paused and removed`, () => {
      enter(true);
      const id = box.id();
      box.configure('sleep 1000', ({ linux }) => {
        if (cgroupsPath) linux.cgroupsPath = cgroupsPath;
      });
      assert.is(box.detached('run', '--detach', id), 0);
      assert.is(cgroupOf(box.state(id).pid), place(id));
      assert.is(
        box.detached(
          'exec',
          '--detach',
          '--pid-file',
          join(box.runtimeDirectory, 'exec'),
          id,
          'sleep',
          '999',
        ),
        0,
      );
      assert.is(cgroupOf(readFileSync(join(box.runtimeDirectory, 'exec'), 'utf8')), place(id));
      assert.is(box.tsoci('pause', id).status, 0);
      assert.match(readFileSync(join(at(place(id)), 'cgroup.events'), 'utf8'), /^frozen 1$/m);
      assert.is(box.tsoci('resume', id).status, 0);
      assert.is(box.tsoci('delete', '--force', id).status, 0);
      assert.equal(children(), ['session']);
    });
  }

  // Seen with every refusal tolerated: --rootless=false ran.
  test('where none may be made: none, unless a limit or --rootless=false asks for it', () => {
    enter(false);
    box.configure('cat /proc/self/cgroup');
    const without = box.tsoci('run', box.id());
    assert.is(without.status, 0, without.stderr);
    assert.not.match(without.stdout, /tsoci/);
    assert.match(box.tsoci('--rootless', 'false', 'run', box.id()).stderr, /make cgroup .*EACCES/);
    box.configure('true', ({ linux }) => {
      linux.resources = { pids: { limit: 10 } };
    });
    assert.match(box.tsoci('run', box.id()).stderr, /make cgroup .*EACCES|pids/);
  });

  // Seen without checkWritable: "make the namespaces of the container: EACCES".
  test('where a container of root has the same id: none', () => {
    enter(false);
    const id = box.id();
    const directory = join(mountPoint, rootlessParent(cgroupOfProcess('self')), id);
    const parent = dirname(directory);
    const parentIsNew = !existsSync(parent);
    mkdirSync(directory, { recursive: true });
    try {
      box.configure('cat /proc/self/cgroup');
      const { status, stdout, stderr } = box.tsoci('run', id);
      assert.is(status, 0, stderr);
      assert.is(stderr, '');
      assert.not.match(stdout, new RegExp(id));
    } finally {
      rmdirSync(directory);
      if (parentIsNew) rmdirSync(parent);
    }
  });

  test('nothing is left behind', () => {
    assert.equal(box.leftovers(), []);
    assert.not.ok(existsSync(at('tsoci')));
  });

  test.after(() => {
    box.close();
    rmdirSync(at('session'));
    rmdirSync(at(''));
  });
}
