// `tsoci debug` of a server: both processes are served by workers, and nothing of it stays with them.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually, TIMEOUT } from '../container/harness.ts';
import { enterPrivateRun, ServedSandbox } from '../launcher/server.ts';

enterPrivateRun(import.meta.filename);

const box = new ServedSandbox();
test.after(() => box.close());

function debug(...commands: string[]): { status: number | null; shown: string } {
  const { status, stdout, stderr } = spawnSync(box.launcher, ['--root', box.root, 'debug', box.id()], {
    cwd: box.bundle,
    encoding: 'utf8',
    timeout: TIMEOUT,
    input: commands.map((command) => `${command}\n`).join(''),
  });
  return { status, shown: stdout + stderr };
}

/** Each has two commands that are debugged, of two processes; no more than four workers share them. */
const ROUNDS = 6;

/** The most descriptors that a worker has, once each waits for the next command. */
function descriptors(): number {
  eventually('all workers wait', () => box.idle() === box.workers().length);
  return Math.max(...box.workers().map((pid) => readdirSync(`/proc/${pid}/fd`).length));
}

test('it stops, goes on and gives up as without one, and leaves nothing in the workers', () => {
  box.configure('echo reached');
  box.serve(2);
  box.allowCold(false);
  const once = () => {
    const { status, shown } = debug('break mounts[1]', 'continue', 'where', 'continue');
    assert.is(status, 0, shown);
    assert.match(shown, /breakpoint 2 before/);
    assert.match(shown, /reached/);
    assert.is(debug('break pivot_root', 'continue', 'quit').status, 1);
  };
  once();
  const before = descriptors();
  for (let i = 0; i < ROUNDS; i++) once();
  const after = descriptors();
  // A worker that has served its first command meanwhile may have one more than before: what it loads stays.
  assert.ok(after < before + ROUNDS / 2, `${before} descriptors became ${after}`);
  assert.is(box.tsoci('list', '--quiet').stdout, '');
});

test.run();
