// How a trace shows calls: built as programs are, encoded as they are sent, decoded.

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  CLONE_NEWNS,
  CLONE_NEWPID,
  F_GETFD,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_RDONLY,
  MS_SLAVE,
  O_CLOEXEC,
  O_PATH,
  O_RDWR,
  RESOLVE_IN_ROOT,
  S_IFCHR,
  TIOCGPTPEER,
  TIOCSPTLCK,
  TIOCSWINSZ,
} from '../../src/linux/constants.ts';
import { ENOENT } from '../../src/linux/errno.ts';
import type { SyscallName } from '../../src/linux/syscalls.ts';
import { loopbackUp } from '../../src/network/loopback.ts';
import { setFinalAffinity } from '../../src/security/affinity.ts';
import { setIoPriority } from '../../src/security/io-priority.ts';
import { setExecLabels, setKeyringLabel } from '../../src/security/lsm.ts';
import { setMemoryPolicy } from '../../src/security/memory-policy.ts';
import { setScheduler } from '../../src/security/scheduler.ts';
import { installFilter } from '../../src/security/seccomp/install.ts';
import { encode, writeResult } from '../../src/stub/encode.ts';
import { DescriptorTable, Program, Structure, stringArray, type Word } from '../../src/stub/program.ts';
import { calls as decoded } from '../../src/trace/calls.ts';
import { showLine } from '../../src/trace/lines.ts';
import { Tracer } from '../../src/trace/tracer.ts';

const test = suite('trace: decode');

/** What a trace shows of a program that came back with `results`; without them, of one that executed something else. */
function trace(program: Program, results?: readonly number[]): string[] {
  const { operations } = program;
  const { message } = encode(operations);
  const reply = Buffer.from(message);
  results?.forEach((result, i) => {
    writeResult(reply, i, result);
  });
  let text = '';
  const tracer = new Tracer({
    write: (lines) => {
      text += lines.map((line) => showLine(line, undefined)).join('');
    },
    real: false,
  });
  const executor = { pid: 1, role: 'init', control: 3 };
  tracer.sending(executor, { operations, message });
  tracer.replied(executor, results ? reply : Buffer.alloc(0));
  return text.split('\n').slice(0, -1);
}

function one(call: SyscallName, args: readonly Word[], result = 0): string {
  const program = new Program(new DescriptorTable([0, 1, 2]));
  program.call(call, args, 'test');
  return trace(program, [result])[0]?.replace('init: ', '') ?? '';
}

test('flags and constants have their names, what has none is a number', () => {
  assert.is(one('setns', [5, CLONE_NEWPID | CLONE_NEWNS]), 'setns(5, CLONE_NEWNS|CLONE_NEWPID) = 0');
  assert.is(one('unshare', [0x1]), 'unshare(0x1) = 0');
  assert.is(
    one('openat', [AT_FDCWD, '/etc/passwd', O_RDWR | O_CLOEXEC, 0o644], 3),
    'openat(AT_FDCWD, "/etc/passwd", O_RDWR|O_CLOEXEC, 0644) = 3',
  );
  assert.is(
    one('mknodat', [7, 'tty', S_IFCHR | 0o666, 0x500]),
    'mknodat(7, "tty", S_IFCHR|0666, makedev(5, 0)) = 0',
  );
});

test('structures are taken apart', () => {
  const how = new Structure([O_PATH | O_CLOEXEC, 0, RESOLVE_IN_ROOT]);
  assert.is(
    one('openat2', [4, '/proc', how, 24], 5),
    'openat2(4, "/proc", {flags=O_CLOEXEC|O_PATH, resolve=RESOLVE_IN_ROOT}, 24) = 5',
  );
  const attributes = new Structure([MOUNT_ATTR_RDONLY, MOUNT_ATTR_NODEV, MS_SLAVE, 0]);
  assert.is(
    one('mount_setattr', [4, '', AT_EMPTY_PATH | AT_RECURSIVE, attributes, 32]),
    'mount_setattr(4, "", AT_EMPTY_PATH|AT_RECURSIVE, {attr_set=MOUNT_ATTR_RDONLY, attr_clr=MOUNT_ATTR_NODEV, propagation=MS_SLAVE}, 32) = 0',
  );
  const cloneArgs = new Structure([BigInt(CLONE_NEWPID) | 0x200000000n, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]);
  assert.is(
    one('clone3', [cloneArgs, 88], 42),
    'clone3({flags=CLONE_INTO_CGROUP|CLONE_NEWPID, exit_signal=0, cgroup=7}, 88) = 42',
  );
  const address = Buffer.from('\x01\0/run/agent');
  assert.is(
    one('connect', [3, address, address.length]),
    'connect(3, {sa_family=AF_UNIX, sun_path="/run/agent"}, 12) = 0',
  );
  const groups = new Uint8Array(Uint32Array.of(10, 20).buffer);
  assert.is(one('setgroups', [2, groups]), 'setgroups(2, [10, 20]) = 0');
});

/** The last line but `after` of what a function of tsoci adds to a program. */
function added(add: (program: Program) => void, after = 0): string {
  const program = new Program(new DescriptorTable([0, 1, 2]));
  add(program);
  const lines = trace(
    program,
    program.operations.map(({ opens }) => (typeof opens === 'number' ? opens : 0)),
  );
  return lines.at(-1 - after)?.replace('init: ', '') ?? '';
}

test('what tsoci lays out for the kernel is shown as strace shows it', () => {
  assert.is(
    added((program) => loopbackUp(program), 1),
    'ioctl(3, SIOCSIFFLAGS, {ifr_name="lo", ifr_flags=IFF_RUNNING|IFF_UP}) = 0',
  );
  const scheduler = { policy: 'SCHED_BATCH', nice: -5, flags: ['SCHED_FLAG_RESET_ON_FORK'] } as const;
  assert.is(
    added((program) => setScheduler(program, { ...scheduler, flags: [...scheduler.flags] })),
    'sched_setattr(0, {size=56, sched_policy=SCHED_BATCH, sched_flags=SCHED_FLAG_RESET_ON_FORK, sched_nice=-5, sched_priority=0, sched_runtime=0, sched_deadline=0, sched_period=0}, 0) = 0',
  );
  assert.is(
    added((program) => setFinalAffinity(program, { final: '0-2,65' })),
    'sched_setaffinity(0, 16, [0-2 65]) = 0',
  );
  assert.is(
    added((program) =>
      setMemoryPolicy(program, { mode: 'MPOL_BIND', nodes: '0,2', flags: ['MPOL_F_STATIC_NODES'] }),
    ),
    'set_mempolicy(MPOL_BIND|MPOL_F_STATIC_NODES, [0x5], 65) = 0',
  );
  assert.is(
    added((program) => setIoPriority(program, { class: 'IOPRIO_CLASS_BE', priority: 4 })),
    'ioprio_set(IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 4)) = 0',
  );
  const filter = { program: Buffer.alloc(16), flags: 0, listener: true };
  assert.is(
    added((program) => installFilter(program, filter, { fd: 9, state: Buffer.from('{"id":"c1"}') })),
    'sendmsg(9, {msg_name=NULL, msg_iov=[{iov_base="{\\"id\\":\\"c1\\"}", iov_len=11}], msg_iovlen=1, msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[3]}], msg_controllen=24, msg_flags=0}, MSG_NOSIGNAL) = 0',
  );
  assert.is(
    one('ioctl', [5, TIOCSWINSZ, Buffer.from([25, 0, 80, 0, 0, 0, 0, 0])]),
    'ioctl(5, TIOCSWINSZ, {ws_row=25, ws_col=80}) = 0',
  );
  assert.is(one('ioctl', [5, TIOCSPTLCK, new Uint8Array(4)]), 'ioctl(5, TIOCSPTLCK, [0]) = 0');
  assert.is(
    one('ioctl', [5, TIOCGPTPEER, O_RDWR | O_CLOEXEC], 6),
    'ioctl(5, TIOCGPTPEER, O_RDWR|O_CLOEXEC) = 6',
  );
  assert.is(one('fcntl', [-1, F_GETFD, 0]), 'fcntl(-1, F_GETFD, 0) = 0');
});

test('each system call that a program has is shown with its arguments', () => {
  const source = join(import.meta.dirname, '..', '..', 'src');
  // Programs of the launcher are for all containers alike, and not traced.
  const files = globSync('**/*.ts', { cwd: source }).filter((file) => !/^launcher\/|launched/.test(file));
  const calls = files.flatMap((file) =>
    [...readFileSync(join(source, file), 'utf8').matchAll(/\.(?:call|open|tryOpen)\(\s*'(\w+)'/g)].map(
      ([, name]) => name,
    ),
  );
  assert.ok(calls.length > 100);
  assert.equal(
    [...new Set(calls)].filter((name) => !Object.hasOwn(decoded, name ?? '')),
    [],
  );
});

test('labels of security modules carry the property that wants them', () => {
  const program = new Program(new DescriptorTable([0, 1, 2]));
  const labels = { apparmorProfile: 'profile', selinuxLabel: 'u:r:t' };
  const [enabled, own] = [
    { apparmor: true, selinux: true },
    { procfs: 3, pid: 1 },
  ];
  setExecLabels(program, labels, enabled, own);
  setKeyringLabel(program, labels, enabled, own);
  const wanted = program.operations.map(({ property }) => property);
  assert.equal(wanted, [
    ...Array(3).fill('process.apparmorProfile'),
    ...Array(6).fill('process.selinuxLabel'),
  ]);
});

test('strings are quoted and cut; the environment is only counted', () => {
  assert.is(one('chdir', ['a"b\n\x01']), 'chdir("a\\"b\\n\\x01") = 0');
  assert.is(one('chdir', ['x'.repeat(100)]), `chdir("${'x'.repeat(64)}"...) = 0`);
  const line = one('execve', ['/bin/sh', stringArray(['sh', '-c']), stringArray(['SECRET=1'])]);
  assert.match(line, /^execve\("\/bin\/sh", \["sh", "-c"\], 0x[0-9a-f]+ \/\* 1 variable \*\/\) = 0$/);
  assert.not.match(line, /SECRET/);
});

test('an error has its name, and what was not executed is not shown', () => {
  const program = new Program(new DescriptorTable([0, 1, 2]));
  program.property = 'linux.maskedPaths[3]';
  program.call('chdir', ['/none'], 'test', { ignored: [ENOENT] });
  program.property = undefined;
  program.call('chroot', ['/none'], 'test');
  program.call('setsid', [], 'test');
  assert.equal(trace(program, [-ENOENT, -ENOENT, 0]), [
    'init: chdir("/none") = -1 ENOENT (No such file or directory)  # linux.maskedPaths[3]',
    'init: chroot("/none") = -1 ENOENT (No such file or directory)',
  ]);
});

test('after execve nobody is told of results', () => {
  const program = new Program(new DescriptorTable([0, 1, 2]));
  program.call('setsid', [], 'test');
  program.call('execve', ['/bin/true', stringArray([]), stringArray([])], 'test');
  const [first = '', second = ''] = trace(program);
  assert.is(first, 'init: setsid() = ?');
  assert.match(second, /^init: execve\("\/bin\/true", \[\], .*\) = 0$/);
});

test.run();
