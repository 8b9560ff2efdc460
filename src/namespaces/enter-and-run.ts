// A command in chosen namespaces of a process, as nsenter(1) does.

import { closeSync, constants, openSync } from 'node:fs';
import { findExecutable } from '../container/init/executable.ts';
import type { Caller } from '../linux/caller.ts';
import { CLONE_NEWNS, CLONE_NEWUSER } from '../linux/constants.ts';
import { check, closeDescriptor } from '../linux/descriptor.ts';
import { TsociError } from '../linux/errors.ts';
import { reap } from '../linux/wait.ts';
import { stringArray } from '../stub/program.ts';
import { StubProcess } from '../stub/stub-process.ts';
import { becomeRoot, namespaceOf, setDumpable } from './enter.ts';
import { type NamespaceType, namespaceTypes } from './namespace-plan.ts';

/** Runs a command and waits for it; the exit status, 128 and the number for a signal. */
export function enterAndRun(
  caller: Caller,
  pid: number,
  types: readonly NamespaceType[],
  args: readonly string[],
): number {
  // setns(2) refuses a user namespace that one is in already.
  const foreign = types.filter((type) => {
    const { file } = namespaceTypes[type];
    return namespaceOf(pid, file) !== namespaceOf('self', file);
  });
  const flags = foreign.reduce((sum, type) => sum | namespaceTypes[type].flag, 0);
  const pidfd = check(`open process ${pid}`, 'pidfd_open', pid, 0);
  const root = openRoot(pid);
  try {
    const boot = StubProcess.spawn({ stdio: caller.stdio, extra: [pidfd, root] });
    let stub: StubProcess;
    try {
      const program = boot.program();
      // Processes in there must not reach into this one while it comes in (CVE-2016-9962).
      setDumpable(program, false);
      if (flags !== 0)
        program.call('setns', [boot.extra(0), flags], `enter the ${foreign.join(', ')} of process ${pid}`);
      if (flags & CLONE_NEWNS) {
        program.call('fchdir', [boot.extra(1)], `change to the root of process ${pid}`);
        program.call('chroot', ['.'], `chroot into the root of process ${pid}`);
      }
      boot.run(program);
      // Only a child is in a pid namespace that was entered.
      stub = boot.clone(0, 'start a process in the namespaces');
    } finally {
      // It holds the other end of the clone's control socket too: that would hide the end of file at execve.
      boot.dismiss();
    }
    if (flags & CLONE_NEWUSER) becomeRoot(stub);
    const arrived = stub.program();
    // No path of the container may lead out through them (CVE-2024-21626).
    for (const i of [0, 1]) arrived.close(boot.extra(i));
    stub.later(arrived);
    try {
      execute(stub, args, caller.env);
    } finally {
      stub.disconnect();
    }
    const { signal, code } = reap(stub.pid);
    return signal ? 128 + signal : code;
  } finally {
    closeDescriptor(pidfd);
    closeSync(root);
  }
}

function openRoot(pid: number): number {
  try {
    return openSync(`/proc/${pid}/root`, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    throw TsociError.from(`open the root directory of process ${pid}`, error);
  }
}

function execute(stub: StubProcess, args: readonly string[], environment: Caller['env']): void {
  const env = Object.entries(environment).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  );
  const executable = findExecutable(stub, args[0] ?? '', env);
  const program = stub.program();
  program.call('execve', [executable, stringArray(args), stringArray(env)], `execute ${executable}`);
  stub.exec(program);
}
