// CVE-2024-21626: a descriptor of the host, leaked or as the working directory, leads out of the container.

import { spawnSync } from 'node:child_process';
import { closeSync, openSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Sandbox, tsociPath } from '../container/harness.ts';
import { attempt } from './support.ts';

const test = suite('CVE-2024-21626');
const box = new Sandbox();
/** Descriptors of a stub of ours; the one of the host's cgroup directory at `exec` is the most dangerous. */
const LAST = 8;
const CGROUP = 7;

// Seen without both uses of close_range in StubProcess.spawn: 5, the socket that init waits on. Those of the caller
// are closed by a second defence: Node marks them close-on-exec.
test('a caller that leaks descriptors of the host leaks none into the container', () => {
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
    const id = box.id();
    box.configure('sleep 1000');
    assert.is(box.detached('run', '--detach', id), 0);
    assert.is(run('exec', id, 'ls', '/proc/self/fd').stdout, '0\n1\n2\n3\n');
    box.tsoci('delete', '--force', id);
  } finally {
    closeSync(host);
  }
});

// Seen without the check in changeDirectory: `exec --cwd /proc/self/fd/7`, and by way of the link, was in the host's
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

function outside(output: string): boolean {
  return output.includes(box.directory) || output.includes('cgroup.procs') || output.includes('unreachable');
}

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
