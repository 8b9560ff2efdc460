// examples/: each runs to its end, says what it should, and leaves nothing.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Sandbox, TIMEOUT, tsociPath } from '../container/harness.ts';
import { enterPrivateRun } from '../launcher/server.ts';
import { missingDevices, missingNftables } from '../network/world.ts';

// Examples have no --root: the state directory of this machine is another's.
if (process.getuid?.() === 0) enterPrivateRun(import.meta.filename);

const test = suite('examples');
const box = new Sandbox();

/** What an example prints. */
async function output(name: string): Promise<string> {
  const path = join(import.meta.dirname, '..', '..', 'examples', `${name}.ts`);
  const child = spawn(process.execPath, [path], {
    env: { PATH: `${dirname(tsociPath)}:${process.env.PATH}`, TMPDIR: box.directory },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT,
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  assert.equal([code, stderr], [0, '']);
  assert.equal(box.leftovers(), []);
  return stdout;
}

test('jobs: each has the end that it should', async () => {
  const lines = (await output('jobs')).trim().split('\n');
  const [dropped] = lines.filter((line) => line.startsWith('without limits:'));
  if (dropped) console.log(`skipped: the limits of examples/jobs.ts: ${dropped}`);
  assert.equal(lines.filter((line) => line !== dropped).sort(), [
    'a failure: exit status 3: no such input',
    'a flood of output: the container has written more than 100000 bytes',
    'a sum: 42',
    'a write to the host: exit status 2: sh: 1: cannot create /etc/passwd: Read-only file system',
    'an endless loop: took too long',
  ]);
});

test('pool: a sandbox knows nothing of the one before', async () => {
  assert.is(await output('pool'), 'it is 2\n0\nlines of devices: 3\n');
});

const reason = missingDevices() ?? missingNftables();
if (reason) console.log(`skip: examples/server.ts: ${reason}`);
else
  test('server: it answers by the published port', async () => {
    // We are in the new network namespace that missingNftables has looked at: the host of this test.
    assert.is(spawnSync('ip', ['link', 'set', 'lo', 'up']).status, 0);
    assert.is(await output('server'), 'the server answers\n');
  });

test.after(() => box.close());
test.run();
