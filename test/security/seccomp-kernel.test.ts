// Filters installed: the kernel answers each system call as the profile says.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Seccomp, Syscall } from '../../src/config/generated/types.ts';
import { seccompFlags } from '../../src/config/generated/values.ts';
import {
  AT_FDCWD,
  PR_SET_NO_NEW_PRIVS,
  SECCOMP_FILTER_FLAG_NEW_LISTENER,
  SECCOMP_SET_MODE_FILTER,
} from '../../src/linux/constants.ts';
import { SYS } from '../../src/linux/syscalls.ts';
import { setNoNewPrivileges } from '../../src/security/credentials.ts';
import {
  assemble,
  BPF_JMP_JEQ_K,
  BPF_LD_W_ABS,
  BPF_RET_K,
  DATA_NR,
} from '../../src/security/seccomp/classic-bpf.ts';
import { compileFilter } from '../../src/security/seccomp/filter.ts';
import { installFilter } from '../../src/security/seccomp/install.ts';
import { tryLibseccomp } from '../../src/security/seccomp/libseccomp.ts';
import { actions, filterFlags } from '../../src/security/seccomp/names.ts';
import { evaluate } from './bpf-machine.ts';
import { hasPodmanProfile, podmanProfile } from './podman-profile.ts';
import { RawStub } from './raw-stub.ts';
import { statusOf, withStub } from './stub.ts';

const test = suite('seccomp and the kernel');
const withLibrary = tryLibseccomp() ? test : test.skip;
if (!tryLibseccomp()) console.log('skipped: libseccomp.so.2 is not installed');
if (!hasPodmanProfile) console.log("skipped: podman's default profile is not installed");

const native = process.arch === 'x64' ? 0xc000003e : 0xc00000b7;
const ERRNO = actions.SCMP_ACT_ERRNO;

/** What the stub itself needs, and cannot be tried. */
const needed: readonly number[] = [SYS.read, SYS.sendto, SYS.exit_group, SYS.seccomp];

/**
 * x86-64's uretprobe and uprobe: trampolines of the kernel, which lets them by every filter (kernel/seccomp.c) and
 * answers a call from anywhere else with SIGILL.
 */
const unfiltered = process.arch === 'x64' ? [335, 336] : [];

/** An errno that no filter answers. */
const ALLOWED = 1234;

/**
 * A filter to install before the one to test: no call that reaches it is executed. Of two filters that answer with
 * an errno the kernel takes the newer one's; any other answer but a kill gives way to an errno (seccomp(2)). So
 * ALLOWED means that the tested filter let the call pass.
 */
const safety = assemble([
  { code: BPF_LD_W_ABS, k: DATA_NR },
  ...needed.flatMap((k, i) => [{ code: BPF_JMP_JEQ_K, jt: needed.length - i, k }]),
  { code: BPF_RET_K, k: ERRNO | ALLOWED },
  { code: BPF_RET_K, k: actions.SCMP_ACT_ALLOW },
]);

function fprog(program: Buffer, address: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(program.length / 8, 0);
  bytes.writeBigUInt64LE(BigInt(address), 8);
  return bytes;
}

/** A stub under the safety filter and the given one. */
function confined(program: Buffer): RawStub {
  const stub = new RawStub();
  for (const filter of [safety, program]) {
    const calls = 2;
    const data = Buffer.concat([fprog(filter, RawStub.address(calls, 16)), filter]);
    const results = stub.run(
      [
        { number: SYS.prctl, args: [PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0] },
        { number: SYS.seccomp, args: [SECCOMP_SET_MODE_FILTER, 0, RawStub.address(calls)] },
      ],
      data,
    );
    assert.is(results?.[1], 0);
  }
  return stub;
}

/** The errno that a filter's answer becomes under the safety filter. */
function errnoOfAnswer(answer: number): number {
  return (answer & 0xffff0000) === ERRNO ? answer & 0xffff : ALLOWED;
}

/** Tries calls by number; the arguments are harmless since nothing is executed. */
function tryAll(config: Seccomp, numbers: readonly number[], args: readonly bigint[]): void {
  const { program } = compileFilter(config);
  const stub = confined(program);
  try {
    for (let at = 0; at < numbers.length; at += 100) {
      const part = numbers.slice(at, at + 100);
      const results = stub.run(part.map((number) => ({ number, args })));
      assert.ok(results, `the stub died of one of ${part}`);
      const expected = part.map(
        (number) => -errnoOfAnswer(evaluate(program, { arch: native, number, args })),
      );
      assert.equal(results, expected, `calls ${part[0]} to ${part.at(-1)}`);
    }
  } finally {
    stub.end();
  }
}

const numbers = Array.from({ length: 600 }, (_, i) => i).filter(
  (n) => ![...needed, ...unfiltered].includes(n),
);
const x32Numbers = Array.from({ length: 600 }, (_, i) => 0x40000000 + i);

for (const [what, change] of [
  ['as it is', {}],
  ['with EPERM as default', { defaultErrnoRet: 1 }],
] as const) {
  const name = `podman's default profile ${what}: every system call number`;
  (hasPodmanProfile ? withLibrary : test.skip)(name, () => {
    const config = { ...podmanProfile(), ...change };
    const all = process.arch === 'x64' ? [...numbers, ...x32Numbers] : numbers;
    for (const argument of [0n, 1n, 8n, 16n, 0x7c020000n, 2n ** 64n - 1n])
      tryAll(config, all, Array(6).fill(argument));
    const stub = confined(compileFilter(config).program);
    const [bpf, open, newer] = stub.run([{ number: SYS.bpf }, { number: SYS.openat }, { number: 599 }]) ?? [];
    stub.end();
    assert.equal([bpf, open, newer], [-1, -ALLOWED, -38], 'bpf is EPERM, openat allowed, the newest ENOSYS');
  });
}

withLibrary('an action kills, traps or lets pass', () => {
  const end = (action: Syscall['action']) => {
    const { program } = compileFilter({
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['getpid'], action }],
    });
    const stub = confined(program);
    const results = stub.run([{ number: SYS.getpid }]);
    const { signal } = stub.end();
    return results ? results[0] : signal;
  };
  const SIGSYS = 31;
  for (const action of [
    'SCMP_ACT_KILL',
    'SCMP_ACT_KILL_PROCESS',
    'SCMP_ACT_KILL_THREAD',
    'SCMP_ACT_TRAP',
  ] as const)
    assert.is(end(action), SIGSYS, action);
  for (const action of ['SCMP_ACT_LOG', 'SCMP_ACT_TRACE'] as const) assert.is(end(action), -ALLOWED, action);
});

withLibrary('every flag is taken by the kernel', () => {
  for (const flag of seccompFlags) {
    const config: Seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      flags: [flag],
      syscalls: [{ names: ['mkdirat'], action: 'SCMP_ACT_NOTIFY' }],
      listenerPath: '/x',
    };
    const filter = compileFilter(config);
    assert.is(filter.flags, filterFlags[flag]);
    withStub((stub) => {
      const program = stub.program();
      setNoNewPrivileges(program);
      installFilter(program, { ...filter, listener: false, flags: filter.flags & ~0x20 });
      stub.run(program);
      assert.is(statusOf(stub.pid).get('Seccomp'), '2', flag);
    });
    withStub((stub) => {
      const program = stub.program();
      setNoNewPrivileges(program);
      installFilter(program, filter, { fd: stub.control, state: Buffer.from('{}') });
      const call = program.operations.find((operation) => operation.call === 'seccomp');
      assert.ok(Number(call?.args[1]) & SECCOMP_FILTER_FLAG_NEW_LISTENER);
      const fds = stub.receiveDescriptors(program, 1);
      assert.is(fds.length, 1, flag);
    });
  }
});

withLibrary(
  'without no_new_privs and without CAP_SYS_ADMIN the kernel refuses, and the error says what',
  () => {
    withStub((stub) => {
      const program = stub.program();
      program.call('setresuid', [1000, 1000, 1000], 'become user 1000');
      installFilter(program, compileFilter({ defaultAction: 'SCMP_ACT_ALLOW' }));
      assert.throws(() => stub.run(program), /install the seccomp filter: EACCES/);
    });
  },
);

withLibrary('what the filter forbids is forbidden to the process', () => {
  withStub((stub) => {
    const program = stub.program();
    setNoNewPrivileges(program);
    const rule: Syscall = { names: ['mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 111 };
    installFilter(program, compileFilter({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule] }));
    program.call('mkdirat', [AT_FDCWD, '/tmp/tsoci-never', 0o700], 'make a directory');
    assert.throws(() => stub.run(program), /make a directory: ECONNREFUSED/);
  });
});

test.run();
