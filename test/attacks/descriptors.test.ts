// CVE-2024-21626: a descriptor of the host, leaked or as the working directory, leads out of the container.

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Change, Sandbox, tsociPath } from '../container/harness.ts';
import { attempt, refused } from './support.ts';

const test = suite('CVE-2024-21626');
const box = new Sandbox();
/** Descriptors of a stub of ours; the one of the host's cgroup directory, closed when `exec` has come in, was the last. */
const LAST = 9;
const CGROUP = 7;
/** The host's id of root in user namespaces here. */
const FIRST_ID = 100_000;

// Seen without both uses of close_range in StubProcess.spawn: 5, the socket that init waits on. Those of the caller
// are closed by a second defence: Node marks them close-on-exec.
test('a caller that leaks descriptors of the host leaks none into the container that it does not mean to', () => {
  const host = openSync('/', 'r');
  const leak = ['ignore', 'pipe', 'pipe', ...Array.from({ length: 6 }, () => host)] as const;
  const run = (...args: string[]) =>
    spawnSync(tsociPath, ['--root', box.root, ...args], {
      encoding: 'utf8',
      cwd: box.bundle,
      timeout: 30_000,
      stdio: [...leak],
    });
  try {
    // 3 is of ls itself.
    box.configure('exec ls /proc/self/fd');
    assert.is(run('run', box.id()).stdout, '0\n1\n2\n3\n');
    assert.is(run('run', '--preserve-fds', '2', box.id()).stdout, '0\n1\n2\n3\n4\n5\n');
    const id = box.id();
    box.configure('sleep 1000');
    assert.is(box.detached('run', '--detach', id), 0);
    assert.is(run('exec', id, 'ls', '/proc/self/fd').stdout, '0\n1\n2\n3\n');
    box.tsoci('delete', '--force', id);
  } finally {
    closeSync(host);
  }
});

// Seen without the check in changeDirectory and with the descriptors of enterNamespaces left open: `exec --cwd /proc/self/fd/7`, and by way of the link, was in the host's
// cgroup directory and listed the sandbox of the host.
test('a working directory at /proc/self/fd/N is inside, or refused', () => {
  symlinkSync('/proc/self/fd', join(box.rootfs, 'way'));
  const id = box.id();
  box.configure('sleep 1000');
  assert.is(box.detached('run', '--detach', id), 0);
  const escaped: string[] = [];
  const look = `pwd; ls -d ../../../../../../../..${box.directory} cgroup.procs 2>/dev/null; true`;
  for (let fd = 3; fd <= LAST; fd++) {
    for (const cwd of fd === CGROUP ? [`/proc/self/fd/${fd}`, `/way/${fd}`] : [`/proc/self/fd/${fd}`]) {
      const inExec = box.tsoci('exec', '--cwd', cwd, id, 'sh', '-c', look);
      if (outside(inExec.stdout)) escaped.push(`exec --cwd ${cwd}: ${inExec.stdout}`);
    }
    const inRun = attempt(box, look, (config) => {
      config.process.cwd = `/proc/self/fd/${fd}`;
    });
    if (outside(inRun.stdout)) escaped.push(`process.cwd /proc/self/fd/${fd}: ${inRun.stdout}`);
  }
  assert.equal(escaped, []);
  box.tsoci('delete', '--force', id);
});

// Seen with the three descriptors of enterNamespaces left open up to execve: 7, that of the cgroup, executed a program of
// the host, which the container could then have overwritten through /proc/PID/exe (CVE-2019-5736).
test('no link of the image leads `exec` or a hook out through a descriptor of the process that comes in', () => {
  copyFileSync(join(box.rootfs, 'bin/busybox'), join(box.directory, 'echo'));
  const up = '../'.repeat(12);
  const id = box.id();
  box.configure('sleep 1000');
  assert.is(box.detached('run', '--detach', id), 0);
  for (let fd = 0; fd <= LAST; fd++) {
    const path = join(box.rootfs, 'echo');
    rmSync(path, { force: true });
    symlinkSync(`/proc/self/fd/${fd}/${up}${box.directory}/echo`, path);
    refused(box.tsoci('exec', id, '/echo', 'outside'), /exec: "\/echo"/);
    const hooked = attempt(box, 'true', (config) => {
      config.hooks = { startContainer: [{ path: '/echo', args: ['echo', 'outside'] }] };
    });
    refused(hooked, /startContainer hook 0 \(\/echo\)/);
  }
  box.tsoci('delete', '--force', id);
});

/** A directory for members of group 7 of the container only: root of its user namespace may not enter it. */
function makePrivate(): string {
  const path = join(box.rootfs, 'private');
  if (!existsSync(path)) {
    mkdirSync(path);
    // A file whose owner the user namespace does not map is beyond the capabilities of its root.
    chownSync(path, 5, FIRST_ID + 7);
    chmodSync(path, 0o070);
  }
  return path;
}

const member: Change = ({ process, linux }) => {
  linux.namespaces?.push({ type: 'user' });
  linux.uidMappings = [{ containerID: 0, hostID: FIRST_ID, size: 65_536 }];
  linux.gidMappings = [{ containerID: 0, hostID: FIRST_ID, size: 65_536 }];
  process.user = { uid: 1000, gid: 1000, additionalGids: [7] };
};

// Seen without the second try: it was in /.
test('a working directory that only the user may enter is entered as the user', () => {
  makePrivate();
  const { status, stdout, stderr } = attempt(box, 'pwd', (config) => {
    member(config);
    config.process.cwd = '/private';
  });
  assert.is(status, 0, stderr);
  assert.is(stdout, '/private\n');
});

test('a working directory that the user may not enter, but root could, is entered; one for neither is an error', () => {
  const path = join(box.rootfs, 'closed');
  mkdirSync(path, { mode: 0o700 });
  chownSync(path, FIRST_ID, FIRST_ID);
  const at = (cwd: string) =>
    attempt(box, 'pwd', (config) => {
      member(config);
      config.process.cwd = cwd;
    });
  assert.is(at('/closed').stdout, '/closed\n');
  chownSync(path, 5, 5);
  refused(at('/closed'), /change to the working directory \/closed: EACCES/);
});

// Seen without RESOLVE_NO_MAGICLINKS in enterCwd and with the same left open: `exec` ran in a directory that a descriptor of the stub led to.
test('as the user a link to /proc/self/fd/N leads nowhere either', () => {
  const way = join(makePrivate(), 'way');
  symlinkSync('/proc/self/fd', way);
  const id = box.id();
  box.configure('sleep 1000', member);
  assert.is(box.detached('run', '--detach', id), 0);
  const look = 'pwd; ls -d cgroup.procs; true';
  for (let fd = 3; fd <= LAST; fd++) {
    const { status, stdout, stderr } = box.tsoci('exec', '--cwd', `/private/way/${fd}`, id, 'sh', '-c', look);
    assert.not.ok(outside(stdout), `${fd}: ${stdout}`);
    assert.is.not(status, 0);
    assert.match(stderr, /change to the working directory/);
  }
  box.tsoci('delete', '--force', id);
});

function outside(output: string): boolean {
  return output.includes(box.directory) || output.includes('cgroup.procs') || output.includes('unreachable');
}

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
