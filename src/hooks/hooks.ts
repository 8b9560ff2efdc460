// Hooks (config.md#posix-platform-hooks): programs with the container's state on their standard input.

import type { Hook } from '../config/generated/types.ts';
import { MFD_CLOEXEC, SIGKILL } from '../linux/constants.ts';
import { check, closeDescriptor, readable } from '../linux/descriptor.ts';
import { EACCES, EINTR, ENOENT, ENOTDIR } from '../linux/errno.ts';
import { errnoOf, messageOf, TsociError } from '../linux/errors.ts';
import { cString, syscall } from '../linux/ffi.ts';
import { SYS } from '../linux/syscalls.ts';
import type { WaitStatus } from '../linux/wait.ts';
import { stringArray } from '../stub/program.ts';
import { StubProcess } from '../stub/stub-process.ts';

export type HookKind =
  | 'prestart'
  | 'createRuntime'
  | 'createContainer'
  | 'startContainer'
  | 'poststart'
  | 'poststop';

/** A hook failed that the container cannot do without (runtime.md#lifecycle). */
export class HookError extends TsociError {
  override name = 'HookError';
}

export interface HookSetting {
  /** The state as JSON. */
  state: string;
  /** Where hooks write to. */
  stdout: number;
  stderr: number;
  /** A stub in the namespaces where the hook runs, which `property` of config.json wants; by default those of the runtime. */
  enter?: (stdio: readonly [number, number, number], property: string) => StubProcess;
  /** The working directory, if it is there: the bundle, as with runc and crun. By default that of the stub. */
  cwd?: string;
}

/** Runs hooks in the listed order; the first that fails is an error, and those after it do not run. */
export function runHooks(kind: HookKind, hooks: readonly Hook[] | undefined, setting: HookSetting): void {
  hooks?.forEach((hook, i) => {
    try {
      runHook({ kind, i }, hook, setting);
    } catch (error) {
      throw new HookError(messageOf(error), { errno: errnoOf(error), cause: error });
    }
  });
}

/** Runs all hooks, also after one that fails: poststop (runtime.md#lifecycle, step 13). */
export function runAllHooks(
  kind: HookKind,
  hooks: readonly Hook[] | undefined,
  setting: HookSetting,
  failed: (error: unknown) => void,
): void {
  hooks?.forEach((hook, i) => {
    try {
      runHook({ kind, i }, hook, setting);
    } catch (error) {
      failed(error);
    }
  });
}

function runHook(
  { kind, i }: { kind: HookKind; i: number },
  hook: Hook,
  { state, stdout, stderr, enter, cwd }: HookSetting,
): void {
  const name = `${kind} hook ${i} (${hook.path})`;
  const stdin = stateFile(state);
  let stub: StubProcess;
  try {
    const stdio = [stdin, stdout, stderr] as const;
    const property = `hooks.${kind}[${i}]`;
    stub = enter ? enter(stdio, property) : StubProcess.spawn({ stdio, role: 'hook' });
    stub.property = property;
  } finally {
    closeDescriptor(stdin);
  }
  const status = execute(name, stub, hook, cwd);
  if (status.signal) throw new TsociError(`${name}: killed by signal ${status.signal}`);
  if (status.code !== 0) throw new TsociError(`${name}: exit status ${status.code}`);
}

function execute(name: string, stub: StubProcess, hook: Hook, cwd: string | undefined): WaitStatus {
  const pidfd = stub.onHost((pid) => check(`open process ${pid}`, 'pidfd_open', pid, 0));
  try {
    const program = stub.program();
    // Its own group, so that a timeout ends it with its children.
    program.call('setsid', [], `${name}: setsid`);
    if (cwd)
      program.call('chdir', [cwd], `${name}: change to ${cwd}`, { ignored: [ENOENT, ENOTDIR, EACCES] });
    program.call(
      'execve',
      [hook.path, stringArray(hook.args ?? [hook.path]), stringArray(hook.env ?? [])],
      name,
    );
    stub.exec(program);
    const timeout = hook.timeout === undefined ? -1 : Number(hook.timeout) * 1000;
    if (pidfd !== undefined) waitForHook(name, pidfd, timeout, stub);
    return stub.wait();
  } finally {
    if (pidfd !== undefined) closeDescriptor(pidfd);
    stub.dismiss();
  }
}

/** Whoever ends us with a signal that we catch (`run`) does not wait for a hook. */
function waitForHook(name: string, pidfd: number, timeout: number, stub: StubProcess): void {
  let why: string;
  try {
    if (readable(pidfd, timeout, true)) return;
    why = `its timeout of ${timeout / 1000} s`;
  } catch (error) {
    if (errnoOf(error) !== EINTR) throw error;
    why = 'a signal to us';
  }
  syscall(SYS.kill, -stub.pid, SIGKILL);
  throw new TsociError(`${name}: killed after ${why}`);
}

/** A file without a name that holds the state, to be read from its start. */
function stateFile(state: string): number {
  const text = Buffer.from(state);
  const fd = check('make a file for the state', 'memfd_create', cString('state'), MFD_CLOEXEC);
  check('write the state', 'write', fd, text, text.length);
  check('go to the start of the state', 'lseek', fd, 0, 0);
  return fd;
}
