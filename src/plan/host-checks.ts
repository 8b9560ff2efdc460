// What the host decides of a container beside files and mounts, and what can be seen of it without making anything.

import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/generated/types.ts';
import type { Caller } from '../launcher/caller.ts';
import { EPERM } from '../linux/errno.ts';
import { TsociError } from '../linux/errors.ts';
import { checkSubordinateIds } from './check-ids.ts';

/** Throws for the first thing that this host does not have or allow. */
export function checkHost(caller: Caller, config: Config): void {
  checkRlimits(caller, config);
  checkNetDevices(config);
  checkSubordinateIds(caller, config.linux ?? {});
}

/** setrlimit(2): EPERM for a hard limit that takes rights, and for more descriptors than the kernel lets anybody have. */
function checkRlimits({ uid, pid }: Caller, { process }: Config): void {
  const most = Number(read('/proc/sys/fs/nr_open') ?? Number.POSITIVE_INFINITY);
  process?.rlimits?.forEach(({ type, hard }, i) => {
    const refused = (hint: string) =>
      TsociError.fromErrno(`set rlimit ${type} to ${hard} (hard)`, EPERM, hint).for(`process.rlimits[${i}]`);
    if (type === 'RLIMIT_NOFILE' && hard > most) throw refused(`fs.nr_open allows no more than ${most}`);
    const own = uid === 0 ? undefined : hardLimit(pid, type);
    if (own !== undefined && hard > own) throw refused(`the hard limit of the caller is ${own}`);
  });
}

/** The names of /proc/PID/limits (proc_pid_limits(5)). */
const names: Readonly<Record<string, string>> = {
  RLIMIT_AS: 'Max address space',
  RLIMIT_CORE: 'Max core file size',
  RLIMIT_CPU: 'Max cpu time',
  RLIMIT_DATA: 'Max data size',
  RLIMIT_FSIZE: 'Max file size',
  RLIMIT_LOCKS: 'Max file locks',
  RLIMIT_MEMLOCK: 'Max locked memory',
  RLIMIT_MSGQUEUE: 'Max msgqueue size',
  RLIMIT_NICE: 'Max nice priority',
  RLIMIT_NOFILE: 'Max open files',
  RLIMIT_NPROC: 'Max processes',
  RLIMIT_RSS: 'Max resident set',
  RLIMIT_RTPRIO: 'Max realtime priority',
  RLIMIT_RTTIME: 'Max realtime timeout',
  RLIMIT_SIGPENDING: 'Max pending signals',
  RLIMIT_STACK: 'Max stack size',
};

/** The hard limit of a process; undefined where there is none. */
function hardLimit(pid: number, type: string): number | undefined {
  const line = read(`/proc/${pid}/limits`)
    ?.split('\n')
    .find((text) => text.startsWith(`${names[type]} `));
  const hard = line?.slice(names[type]?.length).trim().split(/\s+/)[1];
  return hard === undefined || hard === 'unlimited' ? undefined : Number(hard);
}

/** config-linux.md#network-devices: those of the runtime's network namespace. */
function checkNetDevices({ linux }: Config): void {
  for (const name of Object.keys(linux?.netDevices ?? {})) {
    if (!existsSync(join('/sys/class/net', name)))
      throw new TsociError(`move network device ${name}: the host has none of this name`).for(
        `linux.netDevices[${JSON.stringify(name)}]`,
      );
  }
}

/** config-linux.md#seccomp: the socket of the agent that SCMP_ACT_NOTIFY asks. A plan can be made before it is there. */
export function checkListener({ linux }: Config): void {
  const { listenerPath, syscalls = [] } = linux?.seccomp ?? {};
  if (!listenerPath || !syscalls.some(({ action }) => action === 'SCMP_ACT_NOTIFY')) return;
  const found = statSync(listenerPath, { throwIfNoEntry: false });
  if (found?.isSocket()) return;
  const problem = found ? 'is no socket' : 'does not exist';
  throw new TsociError(`connect to the seccomp agent: ${listenerPath} ${problem}`).for(
    'linux.seccomp.listenerPath',
  );
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
