// CVE-2019-5736: a container overwrites the runtime's executable through /proc/PID/exe.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Sandbox, TIMEOUT, tsociPath } from '../container/harness.ts';
import { attempt } from './support.ts';

const test = suite('CVE-2019-5736');
const box = new Sandbox();
const { dev, ino, size, mtimeMs } = statSync(tsociPath);

test.after.each(() => {
  const now = statSync(tsociPath);
  assert.equal([now.dev, now.ino, now.size, now.mtimeMs], [dev, ino, size, mtimeMs]);
});

// Seen without the seals: it was not refused, the image was overwritten.
test('the executable of a process that comes in cannot be written, then or later', () => {
  const id = box.id();
  box.configure('sleep 1000', ({ process }) => {
    // The attacker may look at other processes, or init would be closed to it altogether.
    const held = ['CAP_SYS_PTRACE'];
    process.capabilities = { bounding: held, effective: held, permitted: held };
  });
  assert.is(box.detached('create', id), 0);
  const { pid } = box.state(id);
  const exe = statSync(`/proc/${pid}/exe`);
  assert.not.equal(
    [exe.dev, exe.ino],
    [dev, ino],
    'what a waiting init executes is not the file of the host',
  );
  // Held open while it is executed, written when it is not any more: what the exploit did.
  const script = `exec 5</proc/1/exe
    echo held
    while ! grep -q sleep /proc/1/cmdline; do sleep 0.1; done
    if echo evil >/proc/self/fd/5; then echo overwritten; else echo refused; fi`;
  writeFileSync(join(box.rootfs, 'attack.sh'), `( ${script} ) >/out 2>/err\n`);
  assert.is(box.detached('exec', '--detach', id, 'sh', '/attack.sh'), 0);
  until('/out', 'held');
  assert.is(box.tsoci('start', id).status, 0);
  until('/out', 'refused');
  box.tsoci('delete', '--force', id);

  function until(path: string, word: string): void {
    const { status, stdout } = box.tsoci(
      ...['exec', id, 'sh', '-c'],
      `i=0; while ! grep -qE '${word}|overwritten' ${path}; do i=$((i+1)); test $i -gt 50 && break; sleep 0.1; done; cat ${path}`,
    );
    assert.is(status, 0);
    assert.match(stdout, word);
  }
});

// Seen without the seals, in both: overwritten. A stub that has become the entry point reads from descriptor 3, here a pipe,
// and so lives until that is closed.
for (const [what, entry] of [
  ['the entry point', '/proc/self/exe'],
  ['the interpreter of the entry point', '/interpreted'],
] as const) {
  test(`what /proc/self/exe is as ${what} cannot be written, then or later`, async () => {
    const id = box.id();
    writeFileSync(join(box.rootfs, 'interpreted'), '#!/proc/self/exe\n', { mode: 0o755 });
    box.configure('sleep 1000');
    assert.is(box.detached('run', '--detach', id), 0);
    const command = ['--root', box.root, 'exec', '--preserve-fds', '1', id, entry];
    const exec = spawn(tsociPath, command, {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
      timeout: TIMEOUT,
    });
    const ended = once(exec, 'exit');
    // Held open while it is executed, written when it is not any more: what the exploit did.
    const attacked = `attacked() {
      for p in /proc/[0-9]*; do grep -q ${entry} $p/cmdline && ! grep -q attacked $p/cmdline && echo $p; done
    }`;
    const script = `${attacked}
      i=0; while pid=$(attacked); test -z "$pid" -a $i -lt 100; do sleep 0.1; i=$((i+1)); done
      exec 5<$pid/exe && echo held >/held
      while test -e $pid; do sleep 0.1; done
      if echo evil >/proc/self/fd/5; then echo overwritten; else echo refused; fi`;
    const attack = spawn(tsociPath, ['--root', box.root, 'exec', id, 'sh', '-c', script], {
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: TIMEOUT,
    });
    let said = '';
    attack.stdout.on('data', (data) => {
      said += data;
    });
    const over = once(attack, 'close');
    while (!existsSync(join(box.rootfs, 'held')) && attack.exitCode === null)
      await new Promise((r) => setTimeout(r, 20));
    rmSync(join(box.rootfs, 'held'));
    exec.stdio[3]?.destroy();
    await ended;
    await over;
    assert.is(said, 'refused\n');
    box.tsoci('delete', '--force', id);
  });
}

for (const [what, entry] of [
  ['as the entry point', '/proc/self/exe'],
  ['as the interpreter of the entry point', '/interpreted'],
] as const) {
  // What it leads to is the stub, which without its socket ends in silence. There is no running without the stub; seen with
  // tsoci's own executable put in that place (--preserve-fds 1 3<dist/tsoci, /proc/self/fd/3): execute …: ENOENT, since its
  // loader is not in the image.
  test(`/proc/self/exe ${what} does not lead to the runtime`, () => {
    const silence = { status: 1, stdout: '', stderr: '' };
    writeFileSync(join(box.rootfs, 'interpreted'), '#!/proc/self/exe --version\n', { mode: 0o755 });
    const { status, stdout, stderr } = attempt(box, 'true', (config) => {
      config.process.args = [entry, '--version'];
    });
    assert.equal({ status, stdout, stderr }, silence);
    const id = box.id();
    box.configure('sleep 1000');
    assert.is(box.detached('run', '--detach', id), 0);
    const result = box.tsoci('exec', id, entry, '--version');
    assert.equal({ status: result.status, stdout: result.stdout, stderr: result.stderr }, silence);
    box.tsoci('delete', '--force', id);
  });
}

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
