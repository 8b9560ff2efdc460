// The error of an execve(2) that failed, with the reason that the kernel does not say.

import { readlinkSync } from 'node:fs';
import { E2BIG, EACCES, EAGAIN, EINVAL, ENOMEM, EPERM, ETXTBSY } from '../linux/errno.ts';
import { describeErrno, TsociError } from '../linux/errors.ts';
import { hintOf } from './files.ts';
import { personOf } from './person.ts';
import { type Execution, whyNotExecutable } from './program.ts';
import { RootedFiles } from './rooted-files.ts';

/** What an errno usually means where nothing is wrong with the file. */
const usual: Readonly<Record<number, string>> = {
  [E2BIG]:
    'arguments and environment are more than the kernel takes: 128 KiB each, a quarter of RLIMIT_STACK in all',
  [EACCES]: 'a security module (AppArmor, SELinux) may forbid it',
  [EAGAIN]: 'its user has as many processes as RLIMIT_NPROC allows',
  [EINVAL]: 'it names more than one loader, or needs what this kernel cannot do',
  [ENOMEM]: 'the memory limit may be too low for it',
  [EPERM]: 'a security module or the filter of linux.seccomp may forbid it',
  [ETXTBSY]: 'somebody has it open for writing',
};

/** Why the kernel has answered an execve(2) with `errno`; undefined where that is not known. */
function reasonFor(errno: number, path: string, execution: Execution): string | undefined {
  const refusal = whyNotExecutable(execution, path);
  return refusal?.errno === errno ? hintOf(refusal) : usual[errno];
}

/** What a process has to execute something with, as it is now. To be disposed of. */
export function executionOf(pid: number): Execution & Disposable {
  const root = readlinkSync(`/proc/${pid}/root`);
  const cwd = readlinkSync(`/proc/${pid}/cwd`);
  const below = root !== '/' && cwd.startsWith(root) ? cwd.slice(root.length) : cwd;
  const person = personOf(pid);
  // Last: what fails before it leaves nothing open.
  const files = new RootedFiles(`/proc/${pid}/root`);
  return {
    files,
    cwd: below || '/',
    person,
    [Symbol.dispose]: () => files[Symbol.dispose](),
  };
}

/** Something that has what a process has, such as a stub. */
export interface Executor {
  execution(): Execution & Disposable;
}

/** Asks about what a process has; undefined where it cannot be looked into. */
export function lookInto<T>(executor: Executor, ask: (execution: Execution) => T): T | undefined {
  try {
    using execution = executor.execution();
    return ask(execution);
  } catch {
    return undefined;
  }
}

/** The error of an execve(2), and why. */
export function explainExecve(error: TsociError, path: string, executor: Executor): TsociError {
  const { errno } = error;
  if (errno === undefined) return error;
  const reason = lookInto(executor, (execution) => reasonFor(errno, path, execution));
  const worded = inWordsForDocker(error, errno);
  return reason ? worded.hinted(reason) : worded;
}

/** docker looks for "permission denied" and "no such file or directory", in lower case: then it exits with 126 or 127. */
function inWordsForDocker(error: TsociError, errno: number): TsociError {
  const { property, propertyTold, step, hint } = error;
  const answer = describeErrno(errno);
  const message = error.message.replace(
    answer,
    answer.replace(/\(./, (start) => start.toLowerCase()),
  );
  return new TsociError(message, { errno, property, propertyTold, step, hint, cause: error });
}
