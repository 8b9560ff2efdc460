// config-linux.md#sysctl: parameters of the kernel in the container's namespaces.

import { attemptOrSkip } from '../linux/attempt.ts';
import { O_WRONLY } from '../linux/constants.ts';
import { ENOENT } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import { sysctlParts } from '../linux/sysctl.ts';
import { openInProcfs } from '../security/checked-procfs.ts';
import type { StubProcess } from '../stub/stub-process.ts';

/** Written by init, in its namespaces. `procfs` is that of openProcfs. */
export function writeSysctls(
  init: StubProcess,
  procfs: number,
  sysctl: Readonly<Record<string, string>>,
): void {
  for (const [key, value] of Object.entries(sysctl)) {
    const doing = `set sysctl ${key} to ${JSON.stringify(value)}`;
    const program = init.program();
    program.property = `linux.sysctl[${JSON.stringify(key)}]`;
    const parts = sysctlParts(key);
    if (!parts) throw new TsociError(`${doing}: it is not the name of a kernel parameter`);
    const length = Buffer.byteLength(value);
    if (parts.join('.') === 'kernel.domainname') {
      // The file belongs to root of the host; the call is for root of the uts namespace too.
      program.call('setdomainname', [value, length], doing);
    } else {
      const fd = openInProcfs(program, procfs, `sys/${parts.join('/')}`, O_WRONLY, doing);
      program.call('write', [fd, value, length], doing);
      program.close(fd);
    }
    attemptOrSkip(program.property, () => {
      try {
        init.run(program);
      } catch (error) {
        if (errnoOf(error) !== ENOENT) throw error;
        const hint = 'this kernel has no such parameter';
        throw TsociError.from(`set sysctl ${key}`, error, hint).for(program.property);
      }
    });
  }
}
