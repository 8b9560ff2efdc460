// config-linux.md#seccomp: what a filter does to the system calls of a program.

import type { Check } from '../harness/check.ts';
import type { Seccomp } from '../harness/config.ts';
import { expectEqual } from '../harness/expect.ts';
import { setAt } from '../harness/json.ts';
import { statusField } from '../harness/proc.ts';
import { COMMON_SYSCALLS, ENOSPC_NUMBER, filtering, MKDIR, NATIVE } from '../harness/seccomp.ts';
import { prints } from '../harness/shapes.ts';
import type { Edit } from '../harness/trial.ts';

const section = 'config-linux.md#seccomp';

/** Tries a mkdir, and prints the kernel's answer; then the exit code, which is 128 + 31 after SIGSYS. */
const TRY = "/bin/mkdir /tmp/new 2>&1 | sed 's/.*: //'; /bin/mkdir /tmp/new2 2>/dev/null; echo $?";
const [EPERM, ENOSPC, ENOSYS] = [
  'Operation not permitted',
  'No space left on device',
  'Function not implemented',
];
const KILLED = String(128 + 31);
/** A filter that denies what it does not name, and names all that a shell needs but mkdir. */
const denying =
  (more: Partial<Seccomp> = {}): Edit =>
  (config) => {
    const syscalls = [{ names: COMMON_SYSCALLS, action: 'SCMP_ACT_ALLOW' }];
    config.linux.seccomp = { defaultAction: 'SCMP_ACT_ERRNO', syscalls, ...more };
  };

interface Action {
  action: string;
  effect: string;
  output: string;
}

const ACTIONS: Action[] = [
  { action: 'SCMP_ACT_ERRNO', effect: 'the call fails with EPERM', output: `${EPERM}\n1` },
  { action: 'SCMP_ACT_KILL', effect: 'SIGSYS ends the thread', output: KILLED },
  { action: 'SCMP_ACT_KILL_THREAD', effect: 'SIGSYS ends the thread', output: KILLED },
  { action: 'SCMP_ACT_KILL_PROCESS', effect: 'SIGSYS ends the process', output: KILLED },
  { action: 'SCMP_ACT_TRAP', effect: 'the process gets SIGSYS', output: KILLED },
  {
    action: 'SCMP_ACT_TRACE',
    effect: 'the call fails with ENOSYS when nobody traces',
    output: `${ENOSYS}\n1`,
  },
  { action: 'SCMP_ACT_LOG', effect: 'the call is made', output: '0' },
  { action: 'SCMP_ACT_ALLOW', effect: 'the call is made', output: '0' },
];

function actionCheck({ action, effect, output }: Action): Check {
  const allowed = output === '0';
  return {
    id: `seccomp-action-${action.slice('SCMP_ACT_'.length).toLowerCase().replace('_', '-')}`,
    section,
    level: 'MUST',
    requirement: `${action}: ${effect}.`,
    broken: { reads: '/linux/seccomp/syscalls/-1/action', as: allowed ? 'SCMP_ACT_ERRNO' : 'SCMP_ACT_ALLOW' },
    run: allowed
      ? prints(
          TRY,
          (config) => {
            // Denied unless the rule takes effect.
            denying()(config, { id: '', directory: '', rootfs: '', config });
            config.linux.seccomp?.syscalls?.push({ names: MKDIR, action });
          },
          output,
        )
      : prints(TRY, filtering({ names: MKDIR, action }), output),
  };
}

interface Operator {
  op: string;
  value: number;
  valueTwo?: number;
  /** Modes for chmod(2): one that the rule is about, one that it is not. */
  denied: string;
  allowed: string;
}

const OPERATORS: Operator[] = [
  { op: 'SCMP_CMP_EQ', value: 0o700, denied: '700', allowed: '711' },
  { op: 'SCMP_CMP_NE', value: 0o700, denied: '711', allowed: '700' },
  { op: 'SCMP_CMP_LT', value: 0o700, denied: '600', allowed: '700' },
  { op: 'SCMP_CMP_LE', value: 0o700, denied: '700', allowed: '711' },
  { op: 'SCMP_CMP_GT', value: 0o700, denied: '711', allowed: '700' },
  { op: 'SCMP_CMP_GE', value: 0o700, denied: '700', allowed: '600' },
  { op: 'SCMP_CMP_MASKED_EQ', value: 0o007, valueTwo: 0o004, denied: '704', allowed: '705' },
];

function operatorCheck({ denied, allowed, ...operator }: Operator): Check {
  const name = operator.op.slice('SCMP_CMP_'.length);
  return {
    id: `seccomp-operator-${name.toLowerCase().replace('_', '-')}`,
    section,
    level: 'MUST',
    requirement: `A rule with the operator ${operator.op} is about calls whose argument compares so, and no others.`,
    broken: {
      all: [{ ignores: '/linux/seccomp/syscalls/0/args' }, { ignores: '/linux/seccomp/syscalls/1/args' }],
    },
    run: prints(
      `touch /tmp/file; for m in ${denied} ${allowed}; do chmod $m /tmp/file 2>/dev/null && echo $m; done`,
      filtering(
        { names: ['chmod'], action: 'SCMP_ACT_ERRNO', args: [{ index: 1, ...operator }] },
        { names: ['fchmodat', 'fchmodat2'], action: 'SCMP_ACT_ERRNO', args: [{ index: 2, ...operator }] },
      ),
      allowed,
    ),
  };
}

export const checks: Check[] = [
  ...[true, false].map(
    (configured): Check => ({
      id: `seccomp-${configured ? 'mode' : 'unset'}`,
      section,
      level: 'MUST',
      requirement: `The program is ${configured ? 'filtered when seccomp is' : 'not filtered when seccomp is not'} set.`,
      broken: configured
        ? { ignores: '/linux/seccomp' }
        : {
            reads: '/linux/seccomp',
            as: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: MKDIR, action: 'SCMP_ACT_ERRNO' }] },
          },
      async run(trial) {
        const edit = configured ? filtering({ names: MKDIR, action: 'SCMP_ACT_ERRNO' }) : undefined;
        const status = await trial.output('cat /proc/self/status', edit);
        expectEqual(statusField(status, 'Seccomp'), configured ? '2' : '0', 'Seccomp');
      },
    }),
  ),
  ...ACTIONS.map(actionCheck),
  {
    id: 'seccomp-errno-ret',
    section,
    level: 'MUST',
    requirement: 'errnoRet is the error of calls that a rule denies.',
    broken: { ignores: '/linux/seccomp/syscalls/0/errnoRet' },
    run: prints(
      TRY,
      filtering({ names: MKDIR, action: 'SCMP_ACT_ERRNO', errnoRet: ENOSPC_NUMBER }),
      `${ENOSPC}\n1`,
    ),
  },
  {
    id: 'seccomp-default-action',
    section,
    level: 'MUST',
    requirement: 'defaultAction is applied to calls without a rule: SCMP_ACT_ERRNO denies them with EPERM.',
    broken: { reads: '/linux/seccomp/defaultAction', as: 'SCMP_ACT_ALLOW' },
    run: prints(TRY, denying(), `${EPERM}\n1`),
  },
  {
    id: 'seccomp-default-errno-ret',
    section,
    level: 'MUST',
    requirement: 'defaultErrnoRet is the error of calls that defaultAction denies.',
    broken: { ignores: '/linux/seccomp/defaultErrnoRet' },
    run: prints(TRY, denying({ defaultErrnoRet: ENOSPC_NUMBER }), `${ENOSPC}\n1`),
  },
  ...OPERATORS.map(operatorCheck),
  {
    id: 'seccomp-arguments',
    section,
    level: 'MUST',
    requirement: 'A rule with several arguments is about calls in which all of them compare.',
    broken: { ignores: '/linux/seccomp/syscalls/0/args/-1' },
    run: prints(
      'sleep 5 & kill -0 1 2>/dev/null || echo denied; kill -0 $! && echo another pid; kill -CONT 1 && echo another signal',
      filtering({
        names: ['kill'],
        action: 'SCMP_ACT_ERRNO',
        args: [
          { index: 0, value: 1, op: 'SCMP_CMP_EQ' },
          { index: 1, value: 0, op: 'SCMP_CMP_EQ' },
        ],
      }),
      'denied\nanother pid\nanother signal',
    ),
  },
  ...[true, false].map(
    (noNewPrivileges): Check => ({
      id: `seccomp-${noNewPrivileges ? 'no-new-privileges' : 'ordinary-user'}`,
      section,
      level: 'MUST',
      requirement: `The filter takes effect for a user without capabilities, ${noNewPrivileges ? 'with' : 'without'} noNewPrivileges.`,
      broken: { ignores: '/linux/seccomp' },
      run: prints(
        TRY,
        (config, bundle) => {
          filtering({ names: MKDIR, action: 'SCMP_ACT_ERRNO', errnoRet: ENOSPC_NUMBER })(config, bundle);
          config.process.user = { uid: 1000, gid: 1000 };
          config.process.capabilities = {};
          config.process.noNewPrivileges = noNewPrivileges;
        },
        `${ENOSPC}\n1`,
      ),
    }),
  ),
  {
    id: 'seccomp-architectures',
    section,
    level: 'MUST',
    requirement:
      "Architectures of the list are accepted, the host's among them, and the filter takes effect.",
    broken: { ignores: '/linux/seccomp/syscalls/0' },
    run: prints(
      TRY,
      (config, bundle) => {
        filtering({ names: MKDIR, action: 'SCMP_ACT_ERRNO' })(config, bundle);
        const others = process.arch === 'arm64' ? ['SCMP_ARCH_ARM'] : ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'];
        setAt(config, '/linux/seccomp/architectures', [NATIVE, ...others]);
      },
      `${EPERM}\n1`,
    ),
  },
  ...['LOG', 'SPEC_ALLOW', 'TSYNC'].map(
    (flag): Check => ({
      id: `seccomp-flag-${flag.toLowerCase().replace('_', '-')}`,
      section,
      level: 'MAY',
      requirement: `The flag SECCOMP_FILTER_FLAG_${flag} is accepted.`,
      broken: { reads: '/linux/seccomp/flags/0', as: 'SECCOMP_FILTER_FLAG_NO_SUCH_THING' },
      run: prints(
        TRY,
        (config, bundle) => {
          filtering({ names: MKDIR, action: 'SCMP_ACT_ERRNO' })(config, bundle);
          setAt(config, '/linux/seccomp/flags', [`SECCOMP_FILTER_FLAG_${flag}`]);
        },
        `${EPERM}\n1`,
      ),
    }),
  ),
];
