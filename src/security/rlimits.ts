// process.rlimits (config.md#posix-process, prlimit(2)).

import type { Rlimit } from '../config/generated/types.ts';
import { rlimitTypes } from '../config/generated/values.ts';
import { EPERM } from '../linux/errno.ts';
import { TsociError } from '../linux/errors.ts';
import { syscall } from '../linux/ffi.ts';
import { step } from '../linux/steps.ts';
import { SYS } from '../linux/syscalls.ts';
import { type Program, Structure } from '../stub/program.ts';
import { uint64 } from './uint64.ts';

/** asm-generic/resource.h: no limit. */
export const RLIM_INFINITY = 2n ** 64n - 1n;

export interface PlannedRlimit {
  readonly resource: number;
  readonly soft: bigint;
  readonly hard: bigint;
  readonly doing: string;
}

/** Checked limits. An unknown type, one that comes twice, and a soft limit above the hard one are errors. */
function planRlimits(rlimits: readonly Rlimit[] = []): PlannedRlimit[] {
  const seen = new Set<string>();
  return rlimits.map(({ type, soft, hard }) => {
    const resource = rlimitTypes.indexOf(type);
    if (resource < 0) throw new TsociError(`set rlimit ${type}: Linux has no such limit`);
    if (seen.has(type)) throw new TsociError(`set rlimit ${type}: it is given twice`);
    seen.add(type);
    const limit = { soft: uint64(soft, `${type} soft`), hard: uint64(hard, `${type} hard`) };
    const doing = `set rlimit ${type} to ${show(limit.soft)} (soft) and ${show(limit.hard)} (hard)`;
    if (limit.soft > limit.hard) throw new TsociError(`${doing}: the soft limit is above the hard one`);
    return { resource, ...limit, doing };
  });
}

/** Sets the limits of the process that runs the program. */
export function setRlimits(program: Program, rlimits: readonly Rlimit[] | undefined): void {
  for (const { resource, soft, hard, doing } of planRlimits(rlimits)) {
    // struct rlimit64: rlim_cur, rlim_max.
    program.call('prlimit64', [0, resource, new Structure([soft, hard]), 0], doing);
  }
}

/**
 * The limits of a process that has still to open descriptor `fd`, and what is to be lowered when it has: RLIMIT_NOFILE, if it
 * leaves no room for that. To lower a limit takes no capability.
 */
export function withRoomFor(
  fd: number,
  rlimits: readonly Rlimit[] = [],
): { now: readonly Rlimit[]; later: readonly Rlimit[] } {
  const tight = rlimits.find(({ type, soft }) => type === 'RLIMIT_NOFILE' && soft <= fd);
  if (!tight) return { now: rlimits, later: [] };
  const room = tight.hard > fd ? [{ ...tight, soft: tight.hard }] : [];
  return { now: [...rlimits.filter((rlimit) => rlimit !== tight), ...room], later: [tight] };
}

/**
 * Sets the limits of another process. To raise a hard limit takes CAP_SYS_RESOURCE in the initial user namespace:
 * for a container in a user namespace of its own only the runtime, outside, can have that.
 */
export function setRlimitsOf(pid: number, rlimits: readonly Rlimit[] | undefined): void {
  for (const { resource, soft, hard, doing } of planRlimits(rlimits)) {
    step(doing);
    const limit = new Uint8Array(BigUint64Array.of(soft, hard).buffer);
    const result = syscall(SYS.prlimit64, pid, resource, limit, 0);
    if (result < 0) {
      const hint = -result === EPERM ? 'raising a hard limit takes CAP_SYS_RESOURCE on the host' : undefined;
      throw TsociError.fromErrno(doing, -result, hint);
    }
  }
}

function show(limit: bigint): string {
  return limit === RLIM_INFINITY ? 'unlimited' : String(limit);
}
