// What may be mounted on /proc of a container. maskedPaths, readonlyPaths, security modules and their tools all take what is
// there for the kernel's (CVE-2019-16884, CVE-2023-27561): only a whole procfs may lie there, and on it only what is
// known to do no harm.

import { AT_EMPTY_PATH, PROC_SUPER_MAGIC } from '../linux/constants.ts';
import { EINVAL } from '../linux/errno.ts';
import { TsociError } from '../linux/errors.ts';
import { isProcfsRoot, STAT_SIZE } from '../security/checked-procfs.ts';
import type { Program } from '../stub/program.ts';
import type { Results } from '../stub/results.ts';
import { describe, type MountPlan } from './mount-plan.ts';

const PROC = '/proc';

/** What lxcfs and engines put over files of procfs. Not net/dev: net is a link into the directory of a process. */
const allowedOnProc = new Set(
  [
    ...['cpuinfo', 'diskstats', 'meminfo', 'stat', 'swaps', 'uptime', 'loadavg', 'slabinfo'],
    ...['sys/kernel/ns_last_pid', 'sys/crypto/fips_enabled'],
  ].map((name) => `${PROC}/${name}`),
);

/** What has to be known of a mount to say whether it may be there: where the stub puts each struct. */
export interface ProcLook {
  /** struct statfs of the target. */
  statfs: Buffer;
  /** struct statfs and struct stat of what is bound on /proc. */
  bound: { statfs: Buffer; root: Buffer } | undefined;
}

/** Looks at the target of a mount, and at the mount, before the one is attached to the other. */
export function lookForProc(
  program: Program,
  plan: MountPlan,
  { target, mount }: { target: number; mount?: number },
): ProcLook {
  const doing = describe(plan);
  const statfs = (fd: number): Buffer => {
    const buffer = Buffer.alloc(STAT_SIZE);
    program.call('fstatfs', [fd, buffer], doing);
    return buffer;
  };
  const stat = (fd: number): Buffer => {
    const buffer = Buffer.alloc(STAT_SIZE);
    program.call('newfstatat', [fd, '', buffer, AT_EMPTY_PATH], doing);
    return buffer;
  };
  return {
    statfs: statfs(target),
    bound:
      plan.destination === PROC && mount !== undefined && !('type' in plan.from)
        ? { statfs: statfs(mount), root: stat(mount) }
        : undefined,
  };
}

/** Throws if the mount may not be there. */
export function refuseOnProc(plan: MountPlan, { statfs, bound }: ProcLook, results: Results): void {
  const { destination, from } = plan;
  const refuse = (why: string) => {
    throw new TsociError(`${describe(plan)}: ${why}`, { errno: EINVAL });
  };
  if (destination === PROC) {
    const isProcfs = bound
      ? isProcfsRoot(results.bytes(bound.statfs), results.bytes(bound.root))
      : 'type' in from && from.type === 'proc';
    if (!isProcfs) refuse('only a procfs may be mounted there: masks and security modules go by it');
  } else if (destination.startsWith(`${PROC}/`) || magicOf(results.bytes(statfs)) === PROC_SUPER_MAGIC) {
    if (!allowedOnProc.has(destination)) refuse('a mount on procfs could deceive security modules');
  }
}

/** struct statfs: f_type comes first. */
function magicOf(statfs: Buffer): number {
  return Number(statfs.readBigInt64LE(0));
}
