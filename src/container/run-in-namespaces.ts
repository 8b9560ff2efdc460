// A command in chosen namespaces of a process, as nsenter(1) does.

import { listOf } from '../config/variables.ts';
import type { Caller } from '../launcher/caller.ts';
import { enterNamespaces } from '../namespaces/enter.ts';
import type { NamespaceType } from '../namespaces/namespace-plan.ts';
import { stringArray } from '../stub/program.ts';
import type { StubProcess } from '../stub/stub-process.ts';
import { exitStatus } from './attach/end.ts';
import { attend } from './attach/foreground.ts';
import { findExecutable } from './init/executable.ts';

/** Runs a command in namespaces of a process, and waits for it; the exit status, 128 and the number for a signal. */
export async function runInNamespaces(
  caller: Caller,
  pid: number,
  types: readonly NamespaceType[],
  args: readonly string[],
): Promise<number> {
  const { launcher, signals, stdio } = caller;
  signals.holdTogether();
  const stub = enterNamespaces({ pid }, { launcher, stdio, role: 'command' }, types);
  try {
    execute(stub, args, caller.env);
  } catch (error) {
    stub.dismiss();
    throw error;
  }
  return exitStatus(await attend(caller, stub.pid, {}));
}

export function execute(stub: StubProcess, args: readonly string[], environment: Caller['env']): void {
  const env = listOf(environment);
  const executable = findExecutable(stub, args[0] ?? '', env);
  const program = stub.program();
  program.call('execve', [executable, stringArray(args), stringArray(env)], `execute ${executable}`);
  stub.exec(program);
}
