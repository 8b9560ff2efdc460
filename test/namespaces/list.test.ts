// tsoci ns and tsoci doctor.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { examine, kernel } from '../../src/doctor.ts';
import type { Caller } from '../../src/launcher/caller.ts';
import { viewNamespaces } from '../../src/namespaces/list.ts';
import { Sandbox, TIMEOUT, tsociPath } from '../container/harness.ts';

const test = suite('namespaces: list');
const box = new Sandbox();

test('of a process of ours, all namespaces are the host and hold it', () => {
  const [view] = viewNamespaces([{ name: 'me', pid: process.pid }]);
  assert.ok(view);
  assert.is(Object.keys(view.namespaces).length, 8);
  for (const { host, pids } of Object.values(view.namespaces)) {
    assert.ok(host);
    assert.ok(pids.includes(process.pid));
  }
  assert.is(`net:[${view.namespaces.network.inode}]`, readlinkSync('/proc/self/ns/net'));
});

test('a process that is not there is an error that says so', () => {
  assert.throws(() => viewNamespaces([{ name: '0', pid: 4194305 }]), /process 4194305: ENOENT/);
});

test('kernels before 5.14 are too old', () => {
  assert.not.ok(kernel('5.13.19').ok);
  assert.not.ok(kernel('4.18.0-553.el8').ok);
  assert.ok(kernel('5.14.0-427.el9').ok);
  assert.ok(kernel('6.1.0').ok);
});

test('doctor tells a line for each thing, and fails only for what every container needs', () => {
  const { status, stdout, stderr } = box.tsoci('doctor', '--json');
  const findings: { what: string; ok: boolean; needed: boolean; advice: string }[] = JSON.parse(stdout);
  assert.is(status, findings.some(({ needed, ok }) => needed && !ok) ? 1 : 0, stderr);
  assert.ok(findings.some(({ what, ok }) => what === 'kernel' && ok));
  for (const { ok, advice } of findings) assert.ok(ok || advice !== '');
});

test('doctor tells an ordinary user nothing that only root could have', () => {
  const me = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, env: process.env } as Caller;
  const found = (caller: Caller) => examine(caller).map(({ what }) => what);
  assert.not.ok(found({ ...me, uid: 1000 }).includes('overlay'));
  assert.ok(found({ ...me, uid: 0 }).includes('overlay'));
});

if (process.getuid?.() === 0) {
  test('doctor names what keeps the stub from being executed, and nothing else', () => {
    const memfdNoexec = '/proc/sys/vm/memfd_noexec';
    if (!existsSync(memfdNoexec)) return console.log('skip: vm.memfd_noexec came with Linux 6.3');
    const all = ['/run', '/dev/shm', '/tmp', '/var/tmp'];
    if (all.some((directory) => tsociPath.startsWith(`${directory}/`)))
      return console.log('skip: tsoci itself is in a temporary directory');
    /** What doctor says of the stub where these directories are noexec and the pid namespace has this setting. */
    const found = (setting: number, ...directories: string[]): { ok: boolean; found: string } => {
      const mounts = directories.map((directory) => `mount -t tmpfs -o noexec none ${directory}; `).join('');
      const script = `echo ${setting} >${memfdNoexec}; ${mounts} exec "$0" doctor --json`;
      const { stdout, stderr } = spawnSync(
        'unshare',
        ['-m', '-p', '-f', '--mount-proc', 'sh', '-c', script, tsociPath],
        { encoding: 'utf8', timeout: TIMEOUT },
      );
      const findings: { what: string; ok: boolean; found: string }[] = JSON.parse(stdout || '[]');
      const about = findings.find(({ what }) => what === 'execution of the stub');
      assert.ok(about, stderr);
      return about;
    };
    assert.is(found(0, ...all).found, 'works');
    assert.is(found(1, ...all).found, 'works');
    assert.is(found(2, '/run', '/dev/shm', '/tmp').found, 'works');
    const none = found(2, ...all);
    assert.not.ok(none.ok);
    assert.match(none.found, /vm\.memfd_noexec is 2, so it cannot be a memfd, and \/run is mounted noexec, /);
  });

  test('a container beside the host: what it shares and what not; its namespaces can be entered', () => {
    const id = box.id();
    box.configure('sleep 1000', ({ linux }) => {
      linux.namespaces = linux.namespaces?.filter(({ type }) => type !== 'ipc') ?? [];
    });
    assert.is(box.detached('run', '--detach', id), 0);
    const { pid } = box.state(id);
    const { status, stdout, stderr } = box.tsoci('ns', '--json', id, String(process.pid));
    assert.is(status, 0, stderr);
    const [inside, outside] = JSON.parse(stdout);
    assert.is(inside.pid, pid);
    assert.is(inside.namespaces.ipc.host, true);
    assert.is(inside.namespaces.network.host, false);
    assert.equal(inside.namespaces.pid.pids, [pid]);
    assert.is(outside.namespaces.network.host, true);
    assert.match(box.tsoci('ns').stdout, new RegExp(`host \\(\\d+\\) +${id} \\(${pid}\\)`));
    const net = readlinkSync(`/proc/${pid}/ns/net`);
    assert.is(
      box.tsoci('ns', 'enter', '--net', id, '--', 'readlink', '/proc/self/ns/net').stdout,
      `${net}\n`,
    );
    // All of them: its pid namespace and its root too, but nothing of its confinement.
    const all = box.tsoci(
      'ns',
      'enter',
      id,
      '--',
      '/bin/sh',
      '-c',
      'ls / | grep -c bin; ls -d /proc/1; exit 3',
    );
    assert.is(all.stdout, '1\n/proc/1\n', all.stderr);
    assert.is(all.status, 3);
    // Seen without them: what comes in could be traced, and held descriptors of its way there.
    const file = join(box.directory, 'trace');
    assert.is(box.tsoci(`--trace=${file}`, 'ns', 'enter', id, '--', '/bin/true').status, 0);
    const calls =
      readFileSync(file, 'utf8').match(/PR_SET_DUMPABLE, 0|setns|clone3|close\(\d\)|execve/g) ?? [];
    assert.equal(calls.slice(0, 3), ['PR_SET_DUMPABLE, 0', 'setns', 'clone3']);
    assert.equal(calls.slice(-4), ['close(5)', 'close(6)', 'close(7)', 'execve']);
    assert.match(box.tsoci('ns', 'enter', id).stderr, /a command are needed/);
    box.tsoci('delete', '--force', id);
  });
} else console.log('skip: namespaces of a container: needs root');

test('nothing is left', () => {
  assert.equal(box.leftovers(), []);
  box.close();
});

test.run();
