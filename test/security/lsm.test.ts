// AppArmor and SELinux: what is written where, through a procfs that is one. With a kernel that has AppArmor see
// docs/security.md; most machines that run this test have neither.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CLONE_NEWNS, MS_BIND, MS_PRIVATE, MS_REC, O_RDONLY } from '../../src/linux/constants.ts';
import { TsociError } from '../../src/linux/errors.ts';
import { openInProcfs, openMountedProcfs, openProcfs } from '../../src/security/checked-procfs.ts';
import {
  checkLsms,
  enabledLsms,
  isLabelOption,
  labelling,
  quoteLabel,
  setExecLabels,
  setKeyringLabel,
  unquoteLabel,
} from '../../src/security/lsm.ts';
import { DescriptorTable, Program } from '../../src/stub/program.ts';
import { StubProcess } from '../../src/stub/stub-process.ts';
import { testLauncher } from '../launcher/driven.ts';
import { isRoot, withStub } from './stub.ts';

const test = suite('lsm');
const rootOnly = isRoot ? test : test.skip;

function withSys(files: Record<string, string>, body: (sys: string) => void): void {
  const sys = mkdtempSync(join(tmpdir(), 'tsoci-test-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(sys, name)), { recursive: true });
      writeFileSync(join(sys, name), text);
    }
    body(sys);
  } finally {
    rmSync(sys, { recursive: true });
  }
}

test('which LSMs are enabled', () => {
  const cases: [Record<string, string>, apparmor: boolean, selinux: boolean][] = [
    [{}, false, false],
    [{ 'kernel/security/lsm': 'lockdown,capability,yama,apparmor' }, true, false],
    [{ 'kernel/security/lsm': 'capability,selinux' }, false, true],
    [{ 'kernel/security/lsm': 'capability', 'module/apparmor/parameters/enabled': 'Y\n' }, false, false],
    [{ 'module/apparmor/parameters/enabled': 'Y\n' }, true, false],
    [{ 'module/apparmor/parameters/enabled': 'N\n' }, false, false],
    [{ 'fs/selinux/enforce': '0' }, false, true],
  ];
  for (const [files, apparmor, selinux] of cases)
    withSys(files, (sys) => assert.equal(enabledLsms(sys), { apparmor, selinux }));
});

test('a profile or a label without its LSM is an error that says so', () => {
  const off = { apparmor: false, selinux: false };
  assert.throws(() => checkLsms({ apparmorProfile: 'p' }, off), /profile p: AppArmor is not enabled/);
  assert.throws(() => checkLsms({ selinuxLabel: 'a:b:c:s0' }, off), /label a:b:c:s0: SELinux is not enabled/);
  const refusal = (error: unknown) => error instanceof TsociError && error.property === 'linux.mountLabel';
  assert.throws(() => checkLsms({ mountLabel: 'a:b:c:s0' }, off), refusal);
  checkLsms({ apparmorProfile: '', selinuxLabel: '', mountLabel: '' }, off);
  checkLsms({ apparmorProfile: 'unconfined' }, off);
  checkLsms({ apparmorProfile: 'p', selinuxLabel: 'l', mountLabel: 'm' }, { apparmor: true, selinux: true });
});

test('what is written, to which files', () => {
  const program = new Program(new DescriptorTable([0, 1, 2, 3, 4]));
  const on = { apparmor: true, selinux: true };
  const config = { apparmorProfile: 'containers-default', selinuxLabel: 'a:b:c:s0' };
  setKeyringLabel(program, config, on, { procfs: 4, pid: 7 });
  setExecLabels(program, config, on, { procfs: 4, pid: 7 });
  const writes = program.operations.flatMap(({ call, args }) =>
    call === 'openat2' ? [String(args[1])] : call === 'write' ? [String(args[1])] : [],
  );
  assert.equal(writes, [
    ...['7/attr/keycreate', 'a:b:c:s0'],
    ...['7/attr/apparmor/exec', 'exec containers-default'],
    ...['7/attr/exec', 'a:b:c:s0'],
  ]);
  const nothing = new Program(new DescriptorTable([]));
  setExecLabels(
    nothing,
    { apparmorProfile: 'unconfined' },
    { apparmor: false, selinux: false },
    { procfs: 4, pid: 7 },
  );
  assert.is(nothing.length, 0);
});

test('mount labels: an option of new filesystems, the root of what takes none, and nothing for what has its own', () => {
  const label = 'a:b:c:s0:c1,c2';
  for (const type of ['tmpfs', 'devpts', 'overlay']) assert.equal(labelling(type, label), { context: label });
  for (const type of ['proc', 'sysfs', 'cgroup2']) assert.is(labelling(type, label), undefined);
  assert.equal(labelling('mqueue', label, { ownIpc: true }), { root: label });
  assert.is(labelling('mqueue', label), undefined);
});

test('options that are labels: with quotes for mount(2), without for fsconfig(2)', () => {
  for (const key of ['context', 'fscontext', 'defcontext', 'rootcontext']) {
    const [bare, quoted] = [`${key}=a:b:c:s0:c1,c2`, `${key}="a:b:c:s0:c1,c2"`];
    for (const option of [bare, quoted]) {
      assert.ok(isLabelOption(option));
      assert.is(quoteLabel(option), quoted);
      assert.is(unquoteLabel(option), bare);
    }
  }
  for (const option of ['size=1', 'ro', 'source="a,b"']) {
    assert.not(isLabelOption(option));
    assert.is(quoteLabel(option), option);
    assert.is(unquoteLabel(option), option);
  }
});

for (const open of [openProcfs, openMountedProcfs])
  (open === openProcfs ? rootOnly : test)(
    `${open.name}: a procfs with the numbers of the stub's pid namespace`,
    () => {
      withStub((stub) => {
        const procfs = open(stub);
        const text = Buffer.alloc(64);
        const program = stub.program();
        const fd = openInProcfs(program, procfs, `${stub.pid}/cmdline`, O_RDONLY, 'open cmdline');
        program.call('read', [fd, text, text.length], 'read cmdline');
        assert.match(stub.run(program).bytes(text).toString('latin1'), /^tsoci-init\0/);
      });
    },
  );

test('at /proc a procfs is taken for one, anything else is not', () => {
  withStub((stub) => {
    openMountedProcfs(stub);
    for (const path of ['/', '/sys', '/proc/sys'])
      assert.throws(() => openMountedProcfs(stub, path), `open the procfs at ${path}: something else`);
    assert.throws(() => openMountedProcfs(stub, '/does/not/exist'), /ENOENT/);
  });
});

test('no link is followed in it', () => {
  withStub((stub) => {
    const procfs = openMountedProcfs(stub);
    for (const path of [
      'self/comm',
      'thread-self/attr/exec',
      `${stub.pid}/root/etc/passwd`,
      '../etc/passwd',
    ]) {
      const program = stub.program();
      openInProcfs(program, procfs, path, O_RDONLY, `open ${path}`);
      assert.throws(() => stub.run(program), /ELOOP|EXDEV/, path);
    }
  });
});

/** CVE-2019-16884 and CVE-2025-52881: the file that a label goes to was another one, mounted over it. */
rootOnly('what is mounted over a part of it is not written to', () => {
  const boot = StubProcess.spawn(testLauncher(), { stdio: [0, 1, 2] });
  const stub = boot.clone(CLONE_NEWNS, 'clone');
  boot.dismiss();
  try {
    const procfs = openMountedProcfs(stub);
    const mounting = stub.program();
    const pid = stub.pid;
    mounting.call('mount', ['none', '/', '', MS_PRIVATE | MS_REC, 0], 'make mounts private');
    mounting.call('mount', ['/dev/null', `/proc/${pid}/attr/exec`, '', MS_BIND, 0], 'mount over attr/exec');
    mounting.call('mount', ['tmpfs', `/proc/${pid}/attr/apparmor`, 'tmpfs', 0, 0], 'mount over apparmor', {
      ignored: [2],
    });
    stub.run(mounting);
    const program = stub.program();
    setExecLabels(program, { selinuxLabel: 'a:b:c:s0' }, { apparmor: false, selinux: true }, { procfs, pid });
    assert.throws(() => stub.run(program), /change to SELinux label a:b:c:s0: EXDEV/);
    const again = stub.program();
    again.call('mount', ['tmpfs', '/proc', 'tmpfs', 0, 0], 'mount over /proc');
    stub.run(again);
    assert.throws(() => openMountedProcfs(stub), /something else is mounted there/);
  } finally {
    stub.dismiss();
  }
});

test.run();
