// Loopback comes up in a network namespace that a stub made.

import { spawnSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CLONE_NEWNET } from '../../src/linux/constants.ts';
import { loopbackUp } from '../../src/network/loopback.ts';
import { StubProcess } from '../../src/stub/stub-process.ts';
import { testLauncher } from '../launcher/driven.ts';

const test = suite('loopback');

const missing = spawnSync('ip', ['-V']).error && 'skip: loopback: iproute2 is not installed';
if (missing) console.log(missing);

(missing ? test.skip : test)('lo of a new network namespace is up and has its addresses', () => {
  const boot = StubProcess.spawn(testLauncher(), { stdio: [0, 1, 2] });
  const init = boot.clone(CLONE_NEWNET, 'clone');
  boot.dismiss();
  try {
    const program = init.program();
    loopbackUp(program);
    init.run(program);
    const args = ['-t', `${init.pid}`, '-n', 'ip', 'address', 'show', 'lo'];
    const { stdout } = spawnSync('nsenter', args, { encoding: 'utf8', timeout: 10_000 });
    assert.match(stdout, /<LOOPBACK,UP,LOWER_UP>/);
    assert.match(stdout, /inet 127\.0\.0\.1\/8/);
  } finally {
    init.dismiss();
  }
});

test.run();
