// CVE-2025-52881, CVE-2019-16884: a label that is written to a file in procfs's place confines nothing. Needs AppArmor, as
// the test machine has it: npm run test:vm -- test/attacks/apparmor.test.ts

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { enabledLsms } from '../../src/security/lsm.ts';
import { eventually, Sandbox } from '../container/harness.ts';

const test = suite('AppArmor');
if (enabledLsms().apparmor) defineTests(new Sandbox());
else console.log('skipped: this kernel has no AppArmor');
test.run();

function defineTests(box: Sandbox): void {
  const profile = 'tsoci-attack';
  const confined = `${profile} (enforce)\n`;
  const rules = 'file, capability, mount, umount, pivot_root, signal, ptrace, network, unix,';
  execFileSync('apparmor_parser', ['--replace', '--skip-cache'], {
    input: `profile ${profile} flags=(attach_disconnected) { ${rules} }\n`,
  });

  // Seen with the label written to /proc/self/attr/apparmor/exec: exec was unconfined.
  test('exec is confined, whatever the container has mounted over /proc', () => {
    const id = box.id();
    const script = `cat /proc/self/attr/apparmor/current >/label
      mount -t tmpfs tmpfs /proc && mkdir -p /proc/self/attr/apparmor &&
      echo bait >/proc/self/attr/apparmor/exec && touch /ready && exec sleep 1000`;
    mkdirSync(join(box.rootfs, 'real'));
    box.configure(script, (config) => {
      config.mounts?.push({ destination: '/real', type: 'proc', source: 'proc' });
      config.process.apparmorProfile = profile;
      const held = ['CAP_SYS_ADMIN'];
      config.process.capabilities = { bounding: held, effective: held, permitted: held };
      config.linux.maskedPaths = [];
      config.linux.readonlyPaths = [];
    });
    assert.is(box.detached('run', '--detach', id), 0);
    eventually('the bait is out', () => existsSync(join(box.rootfs, 'ready')));
    assert.is(readFileSync(join(box.rootfs, 'label'), 'utf8'), confined);
    const { status, stdout, stderr } = box.tsoci('exec', id, 'cat', '/real/self/attr/apparmor/current');
    assert.is(status, 0, stderr);
    assert.is(stdout, confined);
    assert.is(box.tsoci('delete', '--force', id).status, 0);
  });

  test('nothing is left behind', () => {
    assert.equal(box.leftovers(), []);
  });

  test.after(() => box.close());
}
