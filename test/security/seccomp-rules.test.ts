// linux.seccomp as rules, and what the compiled filter answers, computed by a machine of our own.

import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Seccomp, SeccompAction, SeccompOperator, Syscall } from '../../src/config/generated/types.ts';
import { seccompActions, seccompOperators } from '../../src/config/generated/values.ts';
import { ENOSYS, EPERM } from '../../src/linux/errno.ts';
import { SYS } from '../../src/linux/syscalls.ts';
import { compileFilter } from '../../src/security/seccomp/filter.ts';
import { planFilter } from '../../src/security/seccomp/filter-rules.ts';
import { libseccompIdentity, tryLibseccomp } from '../../src/security/seccomp/libseccomp.ts';
import { newerCallsPrefix, SCMP_ARCH_X32 } from '../../src/security/seccomp/newer.ts';
import { evaluate } from './bpf-machine.ts';
import { isRoot } from './stub.ts';

const test = suite('seccomp rules');
const compiled = tryLibseccomp() ? test : test.skip;
if (!tryLibseccomp()) console.log('skipped: libseccomp.so.2 is not installed');

const X86 = 0x40000003;
const X86_64 = 0xc000003e;
const AARCH64 = 0xc00000b7;
const native = process.arch === 'x64' ? X86_64 : AARCH64;

const ALLOW = 0x7fff0000;
const ERRNO = 0x50000;
const KILL_THREAD = 0;

function profile(defaultAction: SeccompAction, ...syscalls: Syscall[]): Seccomp {
  return { defaultAction, syscalls };
}

test('errors name what is wrong', () => {
  const rule: Syscall = { names: ['mkdirat'], action: 'SCMP_ACT_ALLOW' };
  const wrong: [Seccomp, RegExp][] = [
    [profile('SCMP_ACT_NOTIFY'), /cannot be the default action/],
    [profile('SCMP_ACT_FOO' as SeccompAction), /default action: unknown action SCMP_ACT_FOO/],
    [
      { defaultAction: 'SCMP_ACT_ALLOW', defaultErrnoRet: 1 },
      /default action: SCMP_ACT_ALLOW takes no errno/,
    ],
    [profile('SCMP_ACT_ERRNO', { ...rule, errnoRet: 1 }), /rule for mkdirat: SCMP_ACT_ALLOW takes no errno/],
    [profile('SCMP_ACT_ALLOW', { ...rule, action: 'SCMP_ACT_ERRNO', errnoRet: 65536 }), /65536 is too large/],
    [profile('SCMP_ACT_ALLOW', { ...rule, action: 'SCMP_ACT_NOTIFY' }), /listenerPath is not set/],
    [{ ...profile('SCMP_ACT_ALLOW'), listenerMetadata: 'x' }, /listenerPath is not/],
    [
      { ...profile('SCMP_ACT_ALLOW', { names: ['sendmsg'], action: 'SCMP_ACT_NOTIFY' }), listenerPath: '/x' },
      /SCMP_ACT_NOTIFY for sendmsg/,
    ],
    [{ ...profile('SCMP_ACT_ALLOW'), flags: ['SECCOMP_FILTER_FLAG_X' as never] }, /FLAG_X/],
    [
      profile('SCMP_ACT_ERRNO', { ...rule, args: [{ index: 6, value: 0, op: 'SCMP_CMP_EQ' }] }),
      /there is no argument 6/,
    ],
    [
      profile('SCMP_ACT_ERRNO', { ...rule, args: [{ index: 0, value: 2n ** 64n, op: 'SCMP_CMP_EQ' }] }),
      /mkdirat value: 18446744073709551616/,
    ],
    [
      profile('SCMP_ACT_ERRNO', { ...rule, args: [{ index: 0, value: 0, op: 'EQ' as SeccompOperator }] }),
      /unknown operator EQ/,
    ],
  ];
  for (const [config, message] of wrong) assert.throws(() => planFilter(config), message);
});

test('flags: SPEC_ALLOW when none are given, none when the list is empty, WAIT_KILLABLE_RECV for listeners', () => {
  const config = profile('SCMP_ACT_ALLOW');
  assert.is(planFilter(config).flags, 4);
  assert.is(planFilter({ ...config, flags: [] }).flags, 0);
  const all = {
    flags: [
      'SECCOMP_FILTER_FLAG_TSYNC' as const,
      'SECCOMP_FILTER_FLAG_LOG' as const,
      'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV' as const,
    ],
  };
  assert.is(planFilter({ ...config, ...all }).flags, 3);
  const notify = profile('SCMP_ACT_ALLOW', { names: ['mkdirat'], action: 'SCMP_ACT_NOTIFY' });
  assert.is(planFilter({ ...notify, listenerPath: '/x', ...all }).flags, 0x23);
});

test('conditions: on different arguments all in one rule, on one argument a rule each', () => {
  const eq = (index: number, value: number) => ({ index, value, op: 'SCMP_CMP_EQ' as const });
  const rule = (...args: ReturnType<typeof eq>[]) =>
    planFilter(profile('SCMP_ACT_ERRNO', { names: ['dup3'], action: 'SCMP_ACT_ALLOW', args })).rules;
  assert.equal(
    rule(eq(0, 1), eq(1, 2)).map(({ conditions }) => conditions.length),
    [2],
  );
  assert.equal(
    rule(eq(0, 1), eq(0, 2), eq(1, 3)).map(({ conditions }) => conditions.length),
    [1, 1, 1],
  );
});

compiled('every action is the value that the kernel knows', () => {
  const values: Record<SeccompAction, number> = {
    SCMP_ACT_KILL: KILL_THREAD,
    SCMP_ACT_KILL_THREAD: KILL_THREAD,
    SCMP_ACT_KILL_PROCESS: 0x80000000,
    SCMP_ACT_TRAP: 0x30000,
    SCMP_ACT_ERRNO: ERRNO | 77,
    SCMP_ACT_TRACE: 0x7ff00000 | 77,
    SCMP_ACT_LOG: 0x7ffc0000,
    SCMP_ACT_ALLOW: ALLOW,
    SCMP_ACT_NOTIFY: 0x7fc00000,
  };
  for (const action of seccompActions) {
    const errno = action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE' ? { errnoRet: 77 } : {};
    const other = action === 'SCMP_ACT_ALLOW' ? 'SCMP_ACT_LOG' : 'SCMP_ACT_ALLOW';
    const config = { ...profile(other, { names: ['mkdirat'], action, ...errno }), listenerPath: '/x' };
    const { program, listener } = compileFilter(config);
    assert.is(evaluate(program, { arch: native, number: SYS.mkdirat }), values[action], action);
    assert.is(evaluate(program, { arch: native, number: SYS.read }), values[other], action);
    assert.is(listener, action === 'SCMP_ACT_NOTIFY');
  }
  const { program } = compileFilter(
    profile('SCMP_ACT_ALLOW', { names: ['mkdirat'], action: 'SCMP_ACT_ERRNO' }),
  );
  assert.is(evaluate(program, { arch: native, number: SYS.mkdirat }), ERRNO | EPERM, 'EPERM by default');
});

compiled('every operator, on 64 bits', () => {
  const holds: Record<SeccompOperator, (argument: bigint, value: bigint) => boolean> = {
    SCMP_CMP_NE: (argument, value) => argument !== value,
    SCMP_CMP_LT: (argument, value) => argument < value,
    SCMP_CMP_LE: (argument, value) => argument <= value,
    SCMP_CMP_EQ: (argument, value) => argument === value,
    SCMP_CMP_GE: (argument, value) => argument >= value,
    SCMP_CMP_GT: (argument, value) => argument > value,
    SCMP_CMP_MASKED_EQ: (argument, mask) => (argument & mask) === 0x10n,
  };
  const values = [0n, 1n, 0x10n, 0x1ffn, 2n ** 32n, 2n ** 32n + 5n, 2n ** 63n, 2n ** 64n - 1n];
  for (const op of seccompOperators) {
    for (const value of values) {
      const masked = op === 'SCMP_CMP_MASKED_EQ';
      if (masked && (value & 0x10n) === 0n) continue;
      const args = [{ index: 2, value, ...(masked ? { valueTwo: 0x10 } : {}), op }];
      const config = profile('SCMP_ACT_ALLOW', { names: ['mkdirat'], action: 'SCMP_ACT_ERRNO', args });
      const { program } = compileFilter(config);
      for (const argument of [...values, value + 1n, value - 1n].filter((v) => v >= 0n && v < 2n ** 64n)) {
        const answer = evaluate(program, { arch: native, number: SYS.mkdirat, args: [0n, 0n, argument] });
        const expected = holds[op](argument, value) ? ERRNO | EPERM : ALLOW;
        assert.is(answer, expected, `${argument} ${op} ${value}`);
      }
    }
  }
});

compiled('several arguments must all fit; one argument twice is either', () => {
  const eq = (index: number, value: number) => ({ index, value, op: 'SCMP_CMP_EQ' as const });
  const filter = (args: ReturnType<typeof eq>[]) =>
    compileFilter(profile('SCMP_ACT_ALLOW', { names: ['dup3'], action: 'SCMP_ACT_ERRNO', args })).program;
  const answer = (program: Buffer, ...args: bigint[]) =>
    evaluate(program, { arch: native, number: SYS.dup3, args });
  const both = filter([eq(0, 1), eq(1, 2)]);
  assert.equal([answer(both, 1n, 2n), answer(both, 1n, 3n), answer(both, 2n, 2n)], [ERRNO | 1, ALLOW, ALLOW]);
  const either = filter([eq(0, 1), eq(0, 2)]);
  assert.equal([answer(either, 1n), answer(either, 2n), answer(either, 3n)], [ERRNO | 1, ERRNO | 1, ALLOW]);
});

compiled('unknown system calls are skipped, unknown architectures are not', () => {
  const rule: Syscall = { names: ['no_such_call', 'mkdirat'], action: 'SCMP_ACT_ERRNO' };
  const { program } = compileFilter(profile('SCMP_ACT_ALLOW', rule));
  assert.is(evaluate(program, { arch: native, number: SYS.mkdirat }), ERRNO | EPERM);
  const config = { ...profile('SCMP_ACT_ALLOW', rule), architectures: ['SCMP_ARCH_VAX' as never] };
  assert.throws(() => compileFilter(config), /does not know architecture SCMP_ARCH_VAX/);
  const foreign = { ...profile('SCMP_ACT_ALLOW', rule), architectures: ['SCMP_ARCH_S390X' as const] };
  assert.throws(
    () => compileFilter(foreign),
    /add architecture SCMP_ARCH_S390X to the seccomp filter: EDOM .*byte order/,
  );
});

(process.arch === 'x64' ? compiled : test.skip)('sub-architectures have the rules, others are killed', () => {
  const rule: Syscall = { names: ['mkdirat', 'socketcall'], action: 'SCMP_ACT_ERRNO' };
  const { program } = compileFilter({
    ...profile('SCMP_ACT_ALLOW', rule),
    architectures: ['SCMP_ARCH_X86'],
  });
  assert.is(evaluate(program, { arch: X86, number: 296 }), ERRNO | EPERM, 'mkdirat of x86');
  assert.is(evaluate(program, { arch: X86, number: 102 }), ERRNO | EPERM, 'socketcall, of x86 only');
  assert.is(evaluate(program, { arch: X86, number: 3 }), ALLOW);
  assert.is(evaluate(program, { arch: AARCH64, number: 34 }), KILL_THREAD);
});

test('newer calls: ENOSYS above the largest number, each architecture by itself', () => {
  const allow = Buffer.from([0x06, 0, 0, 0, 0, 0, 0xff, 0x7f]);
  const answers = (largest: Map<number, number>, calls: [arch: number, number: number][]) => {
    const program = Buffer.concat([newerCallsPrefix(largest), allow]);
    return calls.map(([arch, number]) => (evaluate(program, { arch, number }) === ALLOW ? 'on' : 'ENOSYS'));
  };
  const x32 = 0x40000000;
  const calls: [number, number][] = [
    [X86_64, 0],
    [X86_64, 300],
    [X86_64, 301],
    [X86_64, x32 - 1],
    [X86_64, x32],
    [X86_64, x32 + 201],
    [X86, 400],
    [X86, 401],
    [AARCH64, 500],
  ];
  const two = new Map([
    [X86_64, 300],
    [X86, 400],
  ]);
  assert.equal(answers(two, calls), ['on', 'on', 'ENOSYS', 'ENOSYS', 'on', 'on', 'on', 'ENOSYS', 'on']);
  const three = new Map([...two, [SCMP_ARCH_X32, x32 + 200]]);
  assert.equal(answers(three, calls), ['on', 'on', 'ENOSYS', 'ENOSYS', 'on', 'ENOSYS', 'on', 'ENOSYS', 'on']);
  const only = new Map([[SCMP_ARCH_X32, x32 + 200]]);
  assert.equal(answers(only, calls), ['on', 'on', 'on', 'on', 'on', 'ENOSYS', 'on', 'on', 'on']);
  assert.is(newerCallsPrefix(new Map()).length, 0);
});

compiled('newer calls: by the default action', () => {
  const rule: Syscall = { names: ['read', 'mkdirat'], action: 'SCMP_ACT_LOG' };
  const answer = (config: Partial<Seccomp>) => {
    const { program } = compileFilter({ ...profile('SCMP_ACT_ERRNO', rule), ...config });
    return evaluate(program, { arch: native, number: SYS.openat2 });
  };
  assert.is(answer({}), ERRNO | ENOSYS);
  assert.is(answer({ defaultAction: 'SCMP_ACT_KILL_PROCESS' }), ERRNO | ENOSYS);
  assert.is(answer({ defaultErrnoRet: 1 }), ERRNO | ENOSYS);
  assert.is(answer({ defaultAction: 'SCMP_ACT_ALLOW' }), ALLOW);
  const { program } = compileFilter(profile('SCMP_ACT_ERRNO', rule));
  assert.is(evaluate(program, { arch: native, number: SYS.fchdir }), ERRNO | EPERM, 'not newer');
});

const missing = !isRoot
  ? 'it needs root'
  : spawnSync('mount', ['--version']).error && 'mount is not installed';
if (missing) console.log(`skip: without the library: ${missing}`);
(missing ? test.skip : compiled)('without the library: an error that names the package', () => {
  const script = `
    import { compileFilter } from './src/security/seccomp/filter.ts';
    try { compileFilter({ defaultAction: 'SCMP_ACT_ALLOW' }) } catch (error) { console.log(error.message) }`;
  const library = libseccompIdentity()?.split(' ')[0] ?? '';
  const command = 'mount --bind /dev/null "$1" && exec "$2" --input-type=module-typescript --eval "$3"';
  const args = ['--mount', 'sh', '-c', command, 'sh', library, process.execPath, script];
  const printed = execFileSync('unshare', args, {
    encoding: 'utf8',
    cwd: join(import.meta.dirname, '../..'),
  });
  assert.match(printed, /^load libseccomp\.so\.2 for linux\.seccomp: .*; install the package libseccomp2 /);
});

test.run();
