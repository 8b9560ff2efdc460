// SELinux as far as a kernel without it can show: told that it has SELinux, tsoci does its part, and the kernel refuses.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { enabledLsms } from '../../src/security/lsm.ts';
import { type Change, Sandbox, tsociPath } from '../container/harness.ts';

const LABEL = 'system_u:system_r:container_t:s0:c1,c2';
const FILE_LABEL = 'system_u:object_r:container_file_t:s0:c1,c2';
const PLACE = '/sys/kernel/security';

const test = suite('SELinux');
const reason = whyNot();
if (reason) console.log(`skipped: ${reason}`);
else defineTests(new Sandbox());
test.run();

function whyNot(): string | undefined {
  if (process.geteuid?.() !== 0) return 'only root can hide the kernel’s list of LSMs';
  if (!existsSync(PLACE)) return `${PLACE} is missing`;
  return enabledLsms().selinux ? 'this kernel has SELinux' : undefined;
}

function defineTests(box: Sandbox): void {
  /** Runs a container where the list of LSMs says selinux; what it says. */
  function refusal(change: Change, ...options: string[]): string {
    box.configure('echo alive', change);
    const pretend = `mount -t tmpfs tmpfs ${PLACE} && printf capability,selinux >${PLACE}/lsm && exec "$@"`;
    const command = ['sh', '-c', pretend, 'sh', tsociPath, '--root', box.root, 'run', ...options, box.id()];
    const { stdout, stderr } = spawnSync('unshare', ['--mount', '--propagation', 'private', ...command], {
      cwd: box.bundle,
      encoding: 'utf8',
      timeout: 30_000,
    });
    assert.is(stdout, '');
    return stderr;
  }
  const labelled: Change = ({ process }) => {
    process.selinuxLabel = LABEL;
  };

  test('process.selinuxLabel: the session keyring is labelled before it is made, then the process', () => {
    assert.match(refusal(labelled), `label keys ${LABEL}: EINVAL`);
    assert.match(refusal(labelled, '--no-new-keyring'), `change to SELinux label ${LABEL}: EINVAL`);
  });

  test('linux.mountLabel: on new filesystems, and on an overlay as the root filesystem', () => {
    const onMounts: Change = ({ linux }) => {
      linux.mountLabel = FILE_LABEL;
    };
    assert.match(refusal(onMounts), `option context=${FILE_LABEL}`);
    assert.match(
      refusal(onMounts, '--overlay'),
      `mount an overlay on ${box.rootfs}: mountLabel ${FILE_LABEL}`,
    );
  });

  test('without SELinux a label is an error before anything is done', () => {
    for (const change of [
      labelled,
      ({ linux }) => {
        linux.mountLabel = FILE_LABEL;
      },
    ] as Change[]) {
      box.configure('echo alive', change);
      const { stdout, stderr } = box.tsoci('run', box.id());
      assert.match(stderr, /SELinux is not enabled on this kernel/);
      assert.is(stdout, '');
    }
  });

  test('nothing is left behind', () => {
    assert.equal(box.leftovers(), []);
  });

  test.after(() => box.close());
}
