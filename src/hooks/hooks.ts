// Hooks (config.md#posix-platform-hooks): programs with the container's state on their standard input.

import type { Hook } from '../config/generated/types.ts';
import type { hookNames } from '../config/rules/hooks.ts';
import { lastOfEach } from '../config/variables.ts';
import { attemptOrSkip } from '../linux/attempt.ts';
import { MFD_CLOEXEC, SIGKILL } from '../linux/constants.ts';
import { check, closeDescriptor, pollUntil } from '../linux/descriptor.ts';
import { EACCES, ENOENT, ENOTDIR } from '../linux/errno.ts';
import { errnoOf, messageOf, TsociError } from '../linux/errors.ts';
import { cString, syscall } from '../linux/ffi.ts';
import { signalName } from '../linux/signal-name.ts';
import { step } from '../linux/steps.ts';
import { SYS } from '../linux/syscalls.ts';
import type { WaitStatus } from '../linux/wait.ts';
import type { Launcher } from '../stub/launcher.ts';
import { type Program, stringArray } from '../stub/program.ts';
import { StubProcess } from '../stub/stub-process.ts';
import { HookOutput } from './output.ts';

export type HookKind = (typeof hookNames)[number];

/** A hook failed that the container cannot do without (runtime.md#lifecycle). */
export class HookError extends TsociError {
  override name = 'HookError';
  /** Where it is in config.json, which its message tells in words: `hooks.createRuntime[0]`. */
  readonly hook: string;

  constructor(hook: string, error: unknown) {
    const step = error instanceof TsociError ? error.step : undefined;
    super(messageOf(error), {
      errno: errnoOf(error),
      property: hook,
      propertyTold: true,
      step,
      cause: error,
    });
    this.hook = hook;
  }
}

export interface HookSetting {
  /** The state as JSON. */
  state: string;
  /** Starts a stub for a hook, which `property` of config.json wants. The caller dismisses it. */
  start: (hook: Hook, stdio: HookStdio, property: string) => StartedHook;
}

export type HookStdio = readonly [stdin: number, stdout: number, stderr: number];

export interface StartedHook {
  stub: StubProcess;
  /** With it the stub becomes the hook, as leader of a session: then a timeout ends it with its children. */
  program: Program;
}

export interface RuntimeHooks {
  launcher: Launcher;
  /** The environment of a hook that has no `env`. */
  env: readonly string[];
  /** The working directory, if it is there: the bundle, as with runc and crun. By default that of the stub. */
  cwd: string;
  /** A stub in the namespaces where the hook runs; by default those of the runtime. */
  enter?: (stdio: HookStdio, property: string) => StubProcess;
}

/** Hooks that have the rights of the runtime: all but startContainer hooks. */
export function asRuntime({ launcher, env, cwd, enter }: RuntimeHooks): HookSetting['start'] {
  return (hook, stdio, property) => {
    const stub = enter ? enter(stdio, property) : StubProcess.spawn(launcher, { stdio, role: 'hook' });
    stub.property = property;
    const program = stub.program();
    program.call('setsid', [], 'start a session');
    program.call('chdir', [cwd], `change to ${cwd}`, { ignored: [ENOENT, ENOTDIR, EACCES] });
    const args = [hook.path, stringArray(hook.args ?? [hook.path]), stringArray(lastOfEach(hook.env ?? env))];
    program.call('execve', args, `execute ${hook.path}`);
    return { stub, program };
  };
}

/** Runs hooks in the listed order; the first that fails is an error, and those after it do not run. */
export function runHooks(kind: HookKind, hooks: readonly Hook[] | undefined, setting: HookSetting): void {
  hooks?.forEach((hook, i) => {
    const property = `hooks.${kind}[${i}]`;
    try {
      attemptOrSkip(property, () => runHook({ kind, i }, hook, setting));
    } catch (error) {
      throw new HookError(property, error);
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
      attemptOrSkip(`hooks.${kind}[${i}]`, () => runHook({ kind, i }, hook, setting));
    } catch (error) {
      failed(error);
    }
  });
}

function runHook({ kind, i }: { kind: HookKind; i: number }, hook: Hook, setting: HookSetting): void {
  const name = `${kind} hook ${i} (${hook.path})`;
  step(`run ${name}`, kind);
  try {
    execute(hook, setting, `hooks.${kind}[${i}]`);
  } catch (error) {
    const options = { errno: errnoOf(error), step: `run ${name}`, cause: error };
    throw new TsociError(`${name}: ${messageOf(error)}`, options);
  }
  step(`${name} has ended`);
}

function execute(hook: Hook, { state, start }: HookSetting, property: string): void {
  const stdin = stateFile(state);
  using output = new HookOutput();
  let started: StartedHook;
  try {
    started = start(hook, [stdin, output.writer, output.writer], property);
  } finally {
    closeDescriptor(stdin);
    closeDescriptor(output.writer);
  }
  try {
    const failure = waitFor(started, hook.timeout, output);
    if (failure) throw new TsociError(`${failure}${output.told()}`);
  } finally {
    started.stub.dismiss();
  }
}

/** Has the stub become a hook, and waits for its end; how it failed, if it did. Whoever ends us does not wait for it. */
function waitFor(
  { stub, program }: StartedHook,
  timeout: Hook['timeout'],
  output: HookOutput,
): string | undefined {
  const reading = (socket: number) =>
    pollUntil(
      socket,
      () => output.wanted(),
      () => output.read(),
    );
  stub.exec(program);
  let ended: WaitStatus | 'timeout' | 'signal' | undefined;
  try {
    ended = stub.waitBriefly(timeout === undefined ? -1 : Number(timeout) * 1000, reading);
  } finally {
    // Also when the caller is gone.
    if (typeof ended !== 'object') syscall(SYS.kill, -stub.pid, SIGKILL);
  }
  if (typeof ended === 'string') stub.wait();
  output.read();
  if (ended === 'timeout') return `killed after its timeout of ${timeout} s`;
  if (ended === 'signal') return 'killed after a signal to us';
  if (ended.signal) return `killed by ${signalName(ended.signal)}`;
  return ended.code === 0 ? undefined : `exit status ${ended.code}`;
}

/** A file without a name that holds the state, to be read from its start. */
function stateFile(state: string): number {
  const text = Buffer.from(state);
  const fd = check('make a file for the state', 'memfd_create', cString('state'), MFD_CLOEXEC);
  check('write the state', 'write', fd, text, text.length);
  check('go to the start of the state', 'lseek', fd, 0, 0);
  return fd;
}
