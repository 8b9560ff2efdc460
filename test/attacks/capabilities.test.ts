// CVE-2022-29162, CVE-2022-27650 of crun and CVE-2025-27612 of youki: a process had inheritable capabilities that its config
// does not give it.

import { spawnSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Sandbox, tsociPath } from '../container/harness.ts';

const test = suite('CVE-2022-29162');
const box = new Sandbox();

// Seen with `inheritable` added to by withCapabilities: CapInh was not 0.
test('exec --cap gives nothing to inherit', () => {
  const id = box.id();
  box.configure('sleep 1000');
  assert.is(box.detached('run', '--detach', id), 0);
  const { status, stdout, stderr } = box.tsoci(
    'exec',
    '--cap',
    'CAP_NET_RAW',
    id,
    'cat',
    '/proc/self/status',
  );
  assert.is(status, 0, stderr);
  assert.match(stdout, /CapInh:\s+0{16}/);
  assert.match(stdout, /CapAmb:\s+0{16}/);
  assert.match(stdout, /CapBnd:\s+0000000020002420/, 'but it is given');
  box.tsoci('delete', '--force', id);
});

// Seen without capset in setCredentials: CapInh was not 0.
test('what the caller has to inherit stays with the caller', () => {
  const id = box.id();
  box.configure('cat /proc/self/status');
  const command = ['--inh-caps', '+net_raw', '--ambient-caps', '+net_raw', tsociPath, '--root', box.root];
  const { status, stdout, stderr } = spawnSync('setpriv', [...command, 'run', id], {
    encoding: 'utf8',
    cwd: box.bundle,
    timeout: 30_000,
  });
  assert.is(status, 0, stderr);
  assert.match(stdout, /CapInh:\s+0{16}/);
  assert.match(stdout, /CapAmb:\s+0{16}/);
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
