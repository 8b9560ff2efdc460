// A launcher that a test drives itself: the stub's image does, since the loop is all that it takes.

import { spawn } from 'node:child_process';
import { LauncherProcess } from '../../src/launcher/launcher-process.ts';
import { SOCK_SEQPACKET } from '../../src/linux/constants.ts';
import { closeDescriptor, socketPair } from '../../src/linux/descriptor.ts';
import { executableImage } from '../../src/stub/executable-image.ts';

const CONTROL = 3;
const stdio = [0, 1, 2] as const;

let launcher: LauncherProcess | undefined;

/** The launcher of this test. It ends with it. */
export function testLauncher(): LauncherProcess {
  launcher ??= startLauncher();
  return launcher;
}

/** What functions take of a caller that start processes. */
export function testCaller() {
  return { launcher: testLauncher(), stdio };
}

/** A launcher that has these descriptors as 3, 4, … */
export function startLauncher(descriptors: readonly number[] = []): LauncherProcess {
  using image = executableImage();
  const [ours, theirs] = socketPair(SOCK_SEQPACKET);
  const child = spawn(`/proc/self/fd/${image.fd}`, { stdio: [...stdio, theirs], env: {} });
  child.unref();
  closeDescriptor(theirs);
  if (child.pid === undefined) throw new Error('the launcher cannot be executed');
  const begun = new LauncherProcess(ours, { pid: child.pid, control: CONTROL, stdio });
  if (descriptors.length === 0) return begun;
  // What is received is placed first.
  const control = CONTROL + descriptors.length;
  const program = begun.program();
  program.duplicate(CONTROL, control);
  program.setControl(control);
  program.close(CONTROL);
  begun.run(program);
  const moved = new LauncherProcess(ours, { pid: child.pid, control, stdio });
  moved.lend(descriptors);
  return moved;
}
