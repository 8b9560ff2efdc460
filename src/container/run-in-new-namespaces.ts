// A command in namespaces that are made for it, or kept by a name, without a bundle, as unshare(1) and `ip netns exec` do.

import type { Caller } from '../launcher/caller.ts';
import { MS_NODEV, MS_NOEXEC, MS_NOSUID } from '../linux/constants.ts';
import { EACCES, ENOENT, ENOTDIR, EPERM } from '../linux/errno.ts';
import { errnoOf, type TsociError } from '../linux/errors.ts';
import { processIn, type WantedNamespaces } from '../namespaces/make.ts';
import type { StubProcess } from '../stub/stub-process.ts';
import { exitStatus } from './attach/end.ts';
import { attend } from './attach/foreground.ts';
import { execute } from './run-in-namespaces.ts';

/**
 * Runs a command and waits for it; the exit status, 128 and the number for a signal. In a new pid namespace it is process 1,
 * and with it all others there end.
 */
export async function runInNewNamespaces(
  caller: Caller,
  wanted: WantedNamespaces,
  args: readonly string[],
): Promise<number> {
  caller.signals.holdTogether();
  const stub = processIn(caller, wanted, 'command');
  try {
    setUp(stub, caller, wanted);
    execute(stub, args, caller.env);
  } catch (error) {
    stub.dismiss();
    throw error;
  }
  return exitStatus(await attend(caller, stub.pid, { first: wanted.create.has('pid') }));
}

function setUp(stub: StubProcess, caller: Caller, { create, join }: WantedNamespaces): void {
  if (create.has('pid')) mountProc(stub);
  if (!join.some(({ type }) => type === 'mount')) return;
  // setns(2) has led to the root of that namespace.
  const program = stub.program();
  program.call('chdir', [caller.cwd], `change to ${caller.cwd}`, { ignored: [ENOENT, ENOTDIR, EACCES] });
  stub.later(program);
}

/** procfs shows the pid namespace of whoever mounts it. */
function mountProc(stub: StubProcess): void {
  const program = stub.program();
  const flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  program.call('mount', ['proc', '/proc', 'proc', flags, null], 'mount proc on /proc');
  try {
    stub.run(program);
  } catch (error) {
    if (errnoOf(error) !== EPERM) throw error;
    const why = 'in a user namespace that takes a procfs without mounts on it, which a container seldom has';
    throw (error as TsociError).hinted(why);
  }
}
