// Init's last program: it waits for `start`, becomes the process of the config, and executes it.

import type { Config, Process } from '../../config/generated/types.ts';
import {
  AT_FDCWD,
  F_GETFD,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  RESOLVE_NO_MAGICLINKS,
  SOCK_CLOEXEC,
} from '../../linux/constants.ts';
import { EACCES, EINVAL, EPERM, EROFS } from '../../linux/errno.ts';
import type { CapabilityPlan } from '../../security/capabilities.ts';
import { setCredentials } from '../../security/credentials.ts';
import { setIoPriority, setIoPriorityOf } from '../../security/io-priority.ts';
import { setMemoryPolicy } from '../../security/memory-policy.ts';
import { setPersonality } from '../../security/personality.ts';
import { setRlimits, setRlimitsOf } from '../../security/rlimits.ts';
import { setScheduler, setSchedulerOf } from '../../security/scheduler.ts';
import { argumentAddress } from '../../stub/encode.ts';
import { type Program, Structure, stringArray } from '../../stub/program.ts';

/** How the process becomes what the config says. */
export interface ProcessPlan {
  process: Process;
  linux: Config['linux'];
  /** The path found for args[0]. */
  executable: string;
  env: readonly string[];
  capabilities: CapabilityPlan;
  /** The umask of the process; undefined leaves it as it is. */
  umask: number | undefined;
  /** Whether it sets its rlimits and priorities itself; in a user namespace the host does (setLimitsOf). */
  limits: boolean;
  /** False where the user namespace denies setgroups(2). */
  setgroups: boolean;
  /** Which of descriptors 0 to 2 get the user as their owner. */
  ownedStdio: readonly number[];
  /** Whether the user may not enter the directory but its root could, or the other way round: tried as the user. */
  cwd: 'done' | 'as-user';
  /** Installs the seccomp filter: the last call before execve. */
  seccomp: ((program: Program) => void) | undefined;
}

/** From outside the rights of the host allow what those of a user namespace do not. */
export function setLimitsOf(pid: number, { rlimits, scheduler, ioPriority }: Process): void {
  setIoPriorityOf(pid, ioPriority);
  setSchedulerOf(pid, scheduler);
  setRlimitsOf(pid, rlimits);
}

/** What `start` writes to have init go on: the number of its control descriptor, as 8 bytes. */
export function goMessage(control: number): Buffer {
  const message = Buffer.alloc(8);
  message.writeBigInt64LE(BigInt(control));
  return message;
}

/**
 * Gives up the connection to `create` and waits for that of `start`, which gets the same number: the lowest free.
 * Then reads the go message over an argument of the next call. Without it (`start` died) that argument stays -1, the
 * call fails, and the stub exits at the end of file.
 */
export function waitForStart(program: Program, control: number, listener: number): void {
  program.close(control);
  const accepted = program.open('accept4', [listener, 0, 0, SOCK_CLOEXEC], 'wait for start');
  if (accepted !== control) throw new Error(`init will accept ${accepted} where ${control} was expected`);
  const next = program.length + 1;
  program.call('read', [control, argumentAddress(next, 0), 8], 'wait for the word to go');
  program.call('fcntl', [-1, F_GETFD, 0], 'take the word to go');
}

/** From the waiting init to the process of the config (config.md#process). Ends in execve(2). */
export function becomeProcess(program: Program, plan: ProcessPlan): void {
  const { process, linux, capabilities } = plan;
  const { uid = 0, gid = 0, additionalGids, umask } = process.user ?? {};
  program.property = 'linux.personality';
  setPersonality(program, linux?.personality);
  program.property = 'linux.memoryPolicy';
  setMemoryPolicy(program, linux?.memoryPolicy);
  if (plan.limits) {
    program.property = 'process.ioPriority';
    setIoPriority(program, process.ioPriority);
    program.property = 'process.scheduler';
    setScheduler(program, process.scheduler);
    program.property = 'process.rlimits';
    setRlimits(program, process.rlimits);
  }
  program.property = 'process.user';
  for (const fd of plan.ownedStdio) {
    // The process could not open /dev/stdout of another user again. What cannot be given away is left.
    const ignored = [EPERM, EINVAL, EROFS, EACCES];
    program.call('fchown', [fd, uid, -1], `give descriptor ${fd} to user ${uid}`, { ignored });
  }
  setCredentials(program, {
    uid,
    gid,
    additionalGids,
    umask: umask ?? plan.umask,
    noNewPrivileges: process.noNewPrivileges,
    capabilities,
    setgroups: plan.setgroups,
    seccomp: plan.seccomp !== undefined,
  });
  program.property = 'process.cwd';
  if (plan.cwd === 'as-user') {
    const doing = `change to process.cwd ${process.cwd}`;
    // Nobody looks where this led, so no descriptor may lead anywhere (CVE-2024-21626).
    const how = new Structure([O_PATH | O_DIRECTORY | O_CLOEXEC, 0, RESOLVE_NO_MAGICLINKS]);
    const directory = program.open('openat2', [AT_FDCWD, process.cwd, how, how.words.length * 8], doing);
    program.call('fchdir', [directory], doing);
  }
  program.property = 'linux.seccomp';
  plan.seccomp?.(program);
  program.property = 'process.args';
  const args = [plan.executable, stringArray(process.args ?? []), stringArray(plan.env)];
  program.call('execve', args, `execute ${plan.executable}`);
}
