// A procfs of the container's pid namespace that is attached nowhere: nobody can have put anything in its way.
// What is written to /proc for the container is written through it (CVE-2025-52881).

import {
  FSCONFIG_CMD_CREATE,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  O_NOFOLLOW,
  O_WRONLY,
} from '../linux/constants.ts';
import { ENOENT } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import { sysctlParts } from '../linux/sysctl.ts';
import type { StubProcess } from '../stub/process.ts';
import type { Program } from '../stub/program.ts';
import { openInRootArguments } from './context.ts';

/** The descriptor of its root. */
export function openPrivateProc(program: Program): number {
  const doing = 'mount a private procfs';
  const filesystem = program.open('fsopen', ['proc', FSOPEN_CLOEXEC], doing);
  program.call('fsconfig', [filesystem, FSCONFIG_CMD_CREATE, 0, 0, 0], doing);
  const mount = program.open('fsmount', [filesystem, FSMOUNT_CLOEXEC, 0], doing);
  program.close(filesystem);
  return mount;
}

/** config-linux.md#sysctl, in init's namespaces. `proc` is the descriptor of a private procfs. */
export function writeSysctls(
  init: StubProcess,
  proc: number,
  sysctl: Readonly<Record<string, string>>,
): void {
  for (const [key, value] of Object.entries(sysctl)) {
    const doing = `set sysctl ${key} to ${JSON.stringify(value)}`;
    const program = init.program();
    const parts = sysctlParts(key);
    if (!parts) throw new TsociError(`${doing}: it is not the name of a kernel parameter`);
    const path = `sys/${parts.join('/')}`;
    const fd = program.open('openat2', openInRootArguments(proc, path, O_WRONLY | O_NOFOLLOW), doing);
    program.call('write', [fd, value, Buffer.byteLength(value)], doing);
    program.close(fd);
    try {
      init.run(program);
    } catch (error) {
      if (errnoOf(error) !== ENOENT) throw error;
      throw TsociError.from(`set sysctl ${key}`, error, 'this kernel has no such parameter');
    }
  }
}
