// The process of a config, for init and for `exec` alike: what has to be known before it can be executed.

import { fstatSync } from 'node:fs';
import type { Config, Hook, Process } from '../../config/generated/types.ts';
import { lastOfEach } from '../../config/variables.ts';
import type { Caller } from '../../launcher/caller.ts';
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH, RESOLVE_NO_MAGICLINKS } from '../../linux/constants.ts';
import { EACCES, EINVAL, ELOOP, ENOENT, EPERM, EROFS } from '../../linux/errno.ts';
import { TsociError } from '../../linux/errors.ts';
import { isolates, planNamespaces } from '../../namespaces/namespace-plan.ts';
import {
  allCapabilities,
  type CapabilityPlan,
  capabilitiesIn,
  planCapabilities,
} from '../../security/capabilities.ts';
import { setIoPriorityOf } from '../../security/io-priority.ts';
import { setRlimitsOf } from '../../security/rlimits.ts';
import { setSchedulerOf } from '../../security/scheduler.ts';
import { type Program, Structure, withProperty } from '../../stub/program.ts';
import type { StubProcess } from '../../stub/stub-process.ts';
import { environment } from './environment.ts';
import { findExecutable } from './executable.ts';

/** Whose rights and standard streams the process has, and who is told what becomes of it. */
export type Teller = Pick<Caller, 'status' | 'stdio' | 'warn' | 'debug'>;

/** What is known of the process from config.json, from the command line and from the container. */
export interface ProcessGiven {
  process: Process;
  linux: Config['linux'];
  /** What a service is told by its environment (sd_listen_fds(3), sd_notify(3)). */
  variables: readonly string[];
  /** The umask of the process; undefined leaves that of the stub. */
  umask: number | undefined;
  /** Whether the user namespace denies setgroups(2). */
  setgroupsDenied: boolean;
  /** A hook that is executed as this process would be, in place of process.args. */
  hook?: Hook;
}

/** The same with all that had to be looked up in the container. */
export interface ResolvedProcess extends ProcessGiven {
  /** What is executed: the path found for process.args[0], and the arguments. */
  executable: string;
  args: readonly string[];
  /** process.env with HOME, and what a service that is activated by sockets is told. */
  env: readonly string[];
  capabilities: CapabilityPlan;
  /** Whether process.cwd was entered; if not, only the user of the process may enter it. */
  inCwd: boolean;
  /** Whether the host has set rlimits, scheduler and I/O priority. */
  limitsAreSet: boolean;
  /** Which of descriptors 0 to 2 get the user of the process as their owner. */
  ownedStdio: readonly number[];
}

/**
 * Enters process.cwd and looks for the executable, as a stub that is in the container's root already. In a user namespace
 * it also sets what takes the rights of the host. Warnings go to the caller.
 */
export function resolveProcess(caller: Teller, stub: StubProcess, given: ProcessGiven): ResolvedProcess {
  const { process, linux } = given;
  const inUserNamespace = isolates(planNamespaces(linux?.namespaces ?? []), 'user');
  const held = inUserNamespace ? allCapabilities() : capabilitiesIn(caller.status);
  const capabilities = planCapabilities(process.capabilities, held);
  for (const warning of capabilities.warnings) caller.warn(warning);
  for (const note of capabilities.notes) caller.debug(note);
  const inCwd = withProperty(stub, 'process.cwd', () => changeDirectory(stub, process.cwd));
  const program = given.hook ? hookProgram(stub, given, given.hook) : ownProgram(stub, given);
  if (inUserNamespace) stub.onHost((pid) => setLimitsOf(pid, process));
  const ownedStdio = stdioToOwn(caller, process);
  return { ...given, ...program, capabilities, inCwd, limitsAreSet: inUserNamespace, ownedStdio };
}

type ResolvedProgram = Pick<ResolvedProcess, 'executable' | 'args' | 'env'>;

function ownProgram(stub: StubProcess, { process, variables }: ProcessGiven): ResolvedProgram {
  const { args = [], user } = process;
  const env = withProperty(stub, 'process.env', () =>
    environment(stub, process.env ?? [], user?.uid ?? 0, variables),
  );
  const executable = withProperty(stub, 'process.args[0]', () => findExecutable(stub, args[0] ?? '', env));
  return { executable, args, env };
}

/** hooks.startContainer[]: without `env` it has the environment of the process. */
function hookProgram(stub: StubProcess, { process }: ProcessGiven, hook: Hook): ResolvedProgram {
  const { path, args = [path], env } = hook;
  const own = () => environment(stub, process.env ?? [], process.user?.uid ?? 0);
  return { executable: path, args, env: env ? lastOfEach(env) : own() };
}

/** Raising a limit takes rights on the host that root of a user namespace has not. */
function setLimitsOf(pid: number, { rlimits, scheduler, ioPriority }: Process): void {
  setIoPriorityOf(pid, ioPriority);
  setSchedulerOf(pid, scheduler);
  setRlimitsOf(pid, rlimits);
}

/** As root. False for a directory that root may not enter (EACCES): the user of the process may be allowed to. */
function changeDirectory(stub: StubProcess, cwd: string): boolean {
  const program = stub.program();
  const changed = program.call('chdir', [cwd], `change to the working directory ${cwd}`, {
    ignored: [EACCES],
  });
  const text = Buffer.alloc(4096);
  const length = program.call('getcwd', [text, text.length], 'get the working directory', {
    ignored: [ENOENT, ELOOP],
  });
  const results = stub.run(program);
  if (results.at(changed) !== 0) return false;
  // A directory outside the root shows as "(unreachable)…": a descriptor of the host led there (CVE-2024-21626).
  const directory = results
    .bytes(text)
    .subarray(0, Math.max(0, results.at(length) - 1))
    .toString();
  if (!directory.startsWith('/'))
    throw new TsociError(`the working directory ${cwd} is outside the root filesystem`);
  return true;
}

/** Which of the standard streams the process's user should own, to be able to open them again by name. */
function stdioToOwn(caller: Pick<Caller, 'stdio'>, { terminal, user }: Process): number[] {
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

/**
 * Gives the user of the process standard streams, since nobody can open the /dev/stdout of another user again. What cannot
 * be given away stays as it is.
 */
export function ownStdio(program: Program, fds: readonly number[], uid: number): void {
  const ignored = [EPERM, EINVAL, EROFS, EACCES];
  for (const fd of fds)
    program.call('fchown', [fd, uid, -1], `give descriptor ${fd} to user ${uid}`, { ignored });
}

/**
 * Enters process.cwd as the user of the process. Where that leads is not checked afterwards, so no link to a descriptor is
 * followed (CVE-2024-21626).
 */
export function enterCwd(program: Program, cwd: string): void {
  const doing = `change to the working directory ${cwd}`;
  const how = new Structure([O_PATH | O_DIRECTORY | O_CLOEXEC, 0, RESOLVE_NO_MAGICLINKS]);
  const directory = program.open('openat2', [AT_FDCWD, cwd, how, how.words.length * 8], doing);
  program.call('fchdir', [directory], doing);
}
