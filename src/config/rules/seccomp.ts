// config-linux.md#seccomp

import { error, type Finding, warning } from '../finding.ts';
import type { Config, Seccomp, SeccompAction, Syscall } from '../generated/types.ts';

const section = 'config-linux.md#seccomp';
/** A system call has six arguments (linux/seccomp.h: struct seccomp_data). */
const LAST_ARGUMENT = 5;
/** linux/err.h: MAX_ERRNO. A tracer receives 16 bits (ptrace(2)). */
const largest: Partial<Record<SeccompAction, number>> = { SCMP_ACT_ERRNO: 4095, SCMP_ACT_TRACE: 0xffff };

export function seccomp(config: Config): Finding[] {
  const filter = config.linux?.seccomp;
  if (!filter) return [];
  const { defaultAction, defaultErrnoRet, syscalls = [] } = filter;
  return [
    ...errno('/linux/seccomp/defaultErrnoRet', defaultAction, defaultErrnoRet),
    ...listener(filter),
    ...execution(filter),
    ...beginning(filter),
    ...syscalls.flatMap((syscall, i) => rule(`/linux/seccomp/syscalls/${i}`, syscall)),
  ];
}

function errno(pointer: string, action: SeccompAction, errnoRet: number | undefined): Finding[] {
  if (errnoRet === undefined) return [];
  const max = largest[action];
  if (max === undefined)
    return [
      error(pointer, `is set for ${action}, which returns none`, 'SCMP_ACT_ERRNO or SCMP_ACT_TRACE', section),
    ];
  return errnoRet > max ? [error(pointer, `is ${errnoRet}`, `at most ${max}`, section)] : [];
}

function listener({ defaultAction, listenerPath, listenerMetadata, syscalls = [] }: Seccomp): Finding[] {
  const findings: Finding[] = [];
  if (defaultAction === 'SCMP_ACT_NOTIFY') {
    // The runtime's own calls after the filter is in place would wait for a listener that it has not told yet.
    const problem = 'is SCMP_ACT_NOTIFY, for which the program could not be executed';
    findings.push(error('/linux/seccomp/defaultAction', problem, 'it for some syscalls only', section));
  } else if (!listenerPath && syscalls.some(({ action }) => action === 'SCMP_ACT_NOTIFY')) {
    const expected = 'the socket of the listener that SCMP_ACT_NOTIFY needs';
    findings.push(error('/linux/seccomp/listenerPath', 'is missing', expected, section));
  }
  if (listenerMetadata && !listenerPath)
    findings.push(error('/linux/seccomp/listenerMetadata', 'has no listenerPath', 'both, or none', section));
  return findings;
}

/** With these a call is made. */
const making: readonly SeccompAction[] = ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG'];
/** With these somebody else decides about it. */
const asking: readonly SeccompAction[] = ['SCMP_ACT_NOTIFY', 'SCMP_ACT_TRACE'];

/**
 * The filter is there before the program: what comes between passes it, or nothing runs, and nobody could say so under the
 * filter.
 */
function execution(filter: Seccomp): Finding[] {
  const notifies = filter.syscalls?.some(({ action }) => action === 'SCMP_ACT_NOTIFY') ?? false;
  return [
    ...passing(filter, 'execve', [...making, ...asking], 'the program is executed under the filter'),
    ...(notifies ? passing(filter, 'sendmsg', making, 'the listener is reached under the filter') : []),
  ];
}

/** What the dynamic loader and a C library call before main(), and when it returns. */
const BEGINNING = ['brk', 'mmap', 'mprotect', 'openat', 'read', 'close', 'exit_group'];

/** A program that may not do these mostly ends at once, with a status that says nothing of the filter. */
function beginning(filter: Seccomp): Finding[] {
  if (!passes(filter, 'execve', [...making, ...asking])) return [];
  const denied = BEGINNING.filter((call) => !passes(filter, call, [...making, ...asking]));
  if (denied.length === 0) return [];
  const expected = 'them allowed: without them most programs end at once';
  return [warning('/linux/seccomp/syscalls', `does not allow ${denied.join(', ')}`, expected, section)];
}

function passing(filter: Seccomp, call: string, actions: readonly SeccompAction[], why: string): Finding[] {
  if (passes(filter, call, actions)) return [];
  const expected = `a rule that allows it: ${why}`;
  return [error('/linux/seccomp/syscalls', `does not allow ${call}`, expected, section)];
}

/** Whether a call gets one of the actions, with some arguments at least. */
function passes(
  { defaultAction, syscalls = [] }: Seccomp,
  call: string,
  actions: readonly SeccompAction[],
): boolean {
  const rules = syscalls.filter(({ names }) => names.includes(call));
  if (rules.some(({ action }) => actions.includes(action))) return true;
  return actions.includes(defaultAction) && !rules.some(({ args = [] }) => args.length === 0);
}

function rule(pointer: string, { action, errnoRet, args = [] }: Syscall): Finding[] {
  return [
    ...errno(`${pointer}/errnoRet`, action, errnoRet),
    ...args.flatMap(({ index }, i) =>
      index > LAST_ARGUMENT
        ? [error(`${pointer}/args/${i}/index`, `is ${index}`, `0 to ${LAST_ARGUMENT}`, section)]
        : [],
    ),
  ];
}
