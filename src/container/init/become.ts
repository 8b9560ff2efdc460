// What a process of the container needs to be told before it becomes one, init and those of `exec` alike.

import { fstatSync } from 'node:fs';
import type { Config, Process } from '../../config/generated/types.ts';
import type { Caller } from '../../linux/caller.ts';
import { EACCES, ELOOP, ENOENT } from '../../linux/errno.ts';
import { TsociError } from '../../linux/errors.ts';
import { isolates, planNamespaces } from '../../namespaces/namespace-plan.ts';
import { allCapabilities, capabilitiesOf, planCapabilities } from '../../security/capabilities.ts';
import { openProcfs } from '../../security/checked-procfs.ts';
import {
  checkLsms,
  type EnabledLsms,
  enabledLsms,
  type LsmConfig,
  setExecLabels,
  setKeyringLabel,
} from '../../security/lsm.ts';
import { type Program, withProperty } from '../../stub/program.ts';
import type { StubProcess } from '../../stub/stub-process.ts';
import { environment } from './environment.ts';
import { findExecutable } from './executable.ts';
import { becomeProcess, setLimitsOf } from './process.ts';

export interface BecomingOptions {
  process: Process;
  linux: Config['linux'];
  /** How many of the inherited descriptors are for socket activation (sd_listen_fds(3)). */
  listenFds: number;
  /** The umask of the process; undefined leaves it as it is. */
  umask: number | undefined;
  setgroupsDenied: boolean;
  /** Installs the seccomp filter. */
  seccomp: ((program: Program) => void) | undefined;
}

/**
 * Enters process.cwd, finds the executable, sets what is set from outside, and adds to `program` all that the stub, which
 * is in the container's root by now, still has to do up to execve(2). Warnings go to the caller.
 */
export function prepareProcess(
  caller: Caller,
  stub: StubProcess,
  program: Program,
  { process, linux, listenFds, umask, setgroupsDenied, seccomp }: BecomingOptions,
): void {
  const userNamespace = isolates(planNamespaces(linux?.namespaces ?? []), 'user');
  const held = userNamespace ? allCapabilities() : capabilitiesOf('self');
  const capabilities = planCapabilities(process.capabilities, held);
  for (const warning of capabilities.warnings) caller.warn(warning);
  const cwd = withProperty(stub, 'process.cwd', () => changeDirectory(stub, process.cwd));
  const env = withProperty(stub, 'process.env', () =>
    environment(stub, process.env ?? [], process.user?.uid ?? 0, listenFds),
  );
  const executable = withProperty(stub, 'process.args[0]', () =>
    findExecutable(stub, process.args?.[0] ?? '', env),
  );
  if (userNamespace) stub.outside((pid) => setLimitsOf(pid, process), undefined);
  becomeProcess(program, {
    process,
    linux,
    executable,
    env,
    capabilities,
    umask,
    limits: !userNamespace,
    setgroups: !setgroupsDenied,
    ownedStdio: ownedStdio(caller, process),
    cwd,
    seccomp,
  });
}

/** All that a config has for LSMs. */
export function labelsOf({ process, linux }: Config): LsmConfig {
  const { apparmorProfile, selinuxLabel } = process ?? {};
  return { apparmorProfile, selinuxLabel, mountLabel: linux?.mountLabel };
}

/** The first property that has something for one. */
export function propertyOf({ apparmorProfile, selinuxLabel }: LsmConfig): string {
  if (apparmorProfile) return 'process.apparmorProfile';
  return selinuxLabel ? 'process.selinuxLabel' : 'linux.mountLabel';
}

/** Which LSMs there are, if the config has something for one; then it has been checked against them. */
export function lsmsFor(config: LsmConfig): EnabledLsms | undefined {
  if (!config.apparmorProfile && !config.selinuxLabel && !config.mountLabel) return undefined;
  const enabled = enabledLsms();
  checkLsms(config, enabled);
  return enabled;
}

/** The label of the session keyring that comes next: the process that executes under it must be let to it. */
export function labelKeyring(stub: StubProcess, { selinuxLabel }: LsmConfig): void {
  const enabled = lsmsFor({ selinuxLabel });
  if (!enabled) return;
  const own = withProperty(stub, 'process.selinuxLabel', () => ({
    procfs: openProcfs(stub),
    pid: ownPid(stub),
  }));
  const program = stub.program();
  setKeyringLabel(program, { selinuxLabel }, enabled, own);
  program.close(own.procfs);
  stub.run(program);
}

/** The labels of the next execve(2). `own.procfs` is that of openProcfs, `own.pid` the stub's in it. */
export function labelProcess(
  stub: StubProcess,
  config: LsmConfig,
  enabled: EnabledLsms,
  own: { procfs: number; pid: number },
): void {
  const program = stub.program();
  setExecLabels(program, config, enabled, own);
  stub.run(program);
}

/** The pid that a stub has in its own pid namespace. */
export function ownPid(stub: StubProcess): number {
  const program = stub.program();
  const pid = program.call('getpid', [], 'get the pid');
  return stub.run(program).at(pid);
}

/** As root; a directory that only the user may enter is tried again as the user. */
function changeDirectory(stub: StubProcess, cwd: string): 'done' | 'as-user' {
  const program = stub.program();
  const changed = program.call('chdir', [cwd], `change to process.cwd ${cwd}`, { ignored: [EACCES] });
  const text = Buffer.alloc(4096);
  const length = program.call('getcwd', [text, text.length], 'get the working directory', {
    ignored: [ENOENT, ELOOP],
  });
  const results = stub.run(program);
  if (results.at(changed) !== 0) return 'as-user';
  // A directory outside the root shows as "(unreachable)…": somebody's descriptor led there (CVE-2024-21626).
  const directory = results
    .bytes(text)
    .subarray(0, Math.max(0, results.at(length) - 1))
    .toString();
  if (!directory.startsWith('/')) throw new TsociError(`process.cwd ${cwd} is outside the root filesystem`);
  return 'done';
}

/** Which of the standard streams the process's user should own, to be able to open them again by name. */
function ownedStdio(caller: Caller, { terminal, user }: Process): number[] {
  return [0, 1, 2].filter((fd) => terminal || isWorthOwning(caller.stdio[fd] ?? fd, user?.uid ?? 0));
}

/**
 * Pipes, sockets and terminals. Files, directories and disks are the caller's (`exec ID cat <FILE`), /dev/null and the like
 * belong to everybody, and what the user owns already needs nothing.
 */
function isWorthOwning(fd: number, uid: number): boolean {
  try {
    const stat = fstatSync(fd);
    if (stat.isFile() || stat.isDirectory() || stat.isBlockDevice()) return false;
    return stat.uid !== uid && !(stat.isCharacterDevice() && stat.rdev >> 8 === MEMORY_DEVICES);
  } catch {
    return false;
  }
}

/** The major number of null, zero, full, random, urandom and kmsg (linux/major.h, MEM_MAJOR; minor numbers have 8 bits). */
const MEMORY_DEVICES = 1;
