// The device program in the kernel: processes of a cgroup try devices. As root, on the host's cgroup2 mount.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { Session } from 'node:inspector';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { applyDevices } from '../../src/cgroups/devices/apply-devices.ts';
import { findDeviceProgram, loadDeviceProgram } from '../../src/cgroups/devices/bpf.ts';
import type { DeviceCgroup } from '../../src/config/generated/types.ts';
import { closeDescriptor } from '../../src/linux/descriptor.ts';
import { inCgroup, writableHierarchy } from './support.ts';

const test = suite('cgroups: devices in the kernel');
const hierarchy = writableHierarchy();

/** Runs a shell command as a process of the cgroup; whether it succeeds. */
function works(directory: string, command: string): boolean {
  try {
    execFileSync('sh', ['-c', `echo $$ > "$0/cgroup.procs" && exec 2>&- && ${command}`, directory], {
      stdio: 'ignore',
      timeout: 10_000,
    });
    return true;
  } catch {
    return false;
  }
}

const denyAll = { allow: false, access: 'rwm' };
const kmsg = { type: 'c', major: 1, minor: 11 } as const;
const readKmsg = 'exec 3< /dev/kmsg';
const writeKmsg = 'exec 3>> /dev/kmsg';

if (hierarchy) {
  test('default devices open, others do not', () =>
    inCgroup(hierarchy, ({ directory, fd }) => {
      assert.ok(works(directory, readKmsg));
      applyDevices(fd, [denyAll]);
      assert.ok(works(directory, 'exec 3<> /dev/null 4< /dev/urandom 5< /dev/zero'));
      assert.not.ok(works(directory, readKmsg));
    }));

  test('signals that come while the verifier is at work are no failure', () =>
    inCgroup(hierarchy, ({ fd }) => {
      const session = new Session();
      session.connect();
      session.post('Profiler.enable');
      session.post('Profiler.setSamplingInterval', { interval: 100 });
      // It takes its samples by SIGPROF.
      session.post('Profiler.start');
      for (let i = 0; i < 200; i++)
        applyDevices(fd, [denyAll, { allow: true, ...kmsg, access: i % 2 ? 'r' : 'w' }]);
      session.post('Profiler.stop');
      session.disconnect();
    }));

  test('access is by letter', () =>
    inCgroup(hierarchy, ({ directory, fd }) => {
      applyDevices(fd, [denyAll, { allow: true, ...kmsg, access: 'r' }]);
      assert.ok(works(directory, readKmsg));
      assert.not.ok(works(directory, writeKmsg));
    }));

  test('mknod is allowed, opening what it made is not, until a rule says so', () => {
    const scratch = mkdtempSync(join(tmpdir(), 'tsoci-test-'));
    const node = join(scratch, 'node');
    return inCgroup(hierarchy, ({ directory, fd }) => {
      applyDevices(fd, [denyAll]);
      assert.ok(works(directory, `mknod ${node} c 1 11`));
      assert.not.ok(works(directory, `exec 3< ${node}`));
      applyDevices(fd, [denyAll, { allow: true, ...kmsg, access: 'r' }]);
      assert.ok(works(directory, `exec 3< ${node}`));
    }).finally(() => rmSync(scratch, { recursive: true }));
  });

  test('an update replaces the program: one is attached at any time', () =>
    inCgroup(hierarchy, ({ directory, fd }) => {
      applyDevices(fd, [denyAll]);
      applyDevices(fd, [denyAll, { allow: true, ...kmsg, access: 'rw' }]);
      assert.ok(works(directory, readKmsg));
      applyDevices(fd, [denyAll]);
      assert.not.ok(works(directory, readKmsg));
    }));

  test('rules that allow everything need no program and take the former away', () =>
    inCgroup(hierarchy, ({ directory, fd }) => {
      applyDevices(fd, [{ allow: true, access: 'rwm' }]);
      assert.is(findDeviceProgram(fd), undefined);
      applyDevices(fd, [denyAll]);
      const program = findDeviceProgram(fd);
      assert.type(program, 'number');
      if (program !== undefined) closeDescriptor(program);
      applyDevices(fd, [{ allow: true, access: 'rwm' }]);
      assert.is(findDeviceProgram(fd), undefined);
      assert.ok(works(directory, readKmsg));
    }));

  test('a rule list of every kind passes the verifier', () =>
    inCgroup(hierarchy, ({ fd }) => {
      applyDevices(fd, [
        { allow: true, access: 'rwm' },
        { allow: false, type: 'b', major: 8, access: 'w' },
        { allow: true, type: 'b', major: 8, minor: 1, access: 'w' },
        { allow: false, type: 'a', minor: 3, access: 'rm' },
        ...Array.from(
          { length: 300 },
          (_, minor): DeviceCgroup => ({
            allow: true,
            type: 'c',
            major: 10,
            minor,
            access: 'rw',
          }),
        ),
      ]);
    }));

  test('what the verifier refuses is told in its words', () => {
    const exitWithoutResult = Uint8Array.of(0x95, 0, 0, 0, 0, 0, 0, 0);
    assert.throws(
      () => loadDeviceProgram(exitWithoutResult),
      /load the eBPF program of linux\.resources\.devices: .*the verifier says: .*R0 !read_ok/s,
    );
  });
}

test.run();
