// Labels of AppArmor and SELinux for a process of the container, and what else it writes to a procfs: sysctls.

import type { Config } from '../../config/generated/types.ts';
import { attempt } from '../../linux/attempt.ts';
import { writeSysctls } from '../../rootfs/sysctls.ts';
import { openProcfs } from '../../security/checked-procfs.ts';
import {
  checkLsms,
  type EnabledLsms,
  enabledLsms,
  type LsmConfig,
  setExecLabels,
  setKeyringLabel,
} from '../../security/lsm.ts';
import { withProperty } from '../../stub/program.ts';
import type { StubProcess } from '../../stub/stub-process.ts';

/** All that a config has for LSMs. */
export function labelsOf({ process, linux }: Pick<Config, 'process' | 'linux'>): LsmConfig {
  const { apparmorProfile, selinuxLabel } = process ?? {};
  return { apparmorProfile, selinuxLabel, mountLabel: linux?.mountLabel };
}

/** The LSMs of the kernel, for a config that has something for one: an error if that one is not enabled. */
export function requiredLsms(labels: LsmConfig): EnabledLsms | undefined {
  if (!labels.apparmorProfile && !labels.selinuxLabel && !labels.mountLabel) return undefined;
  const enabled = enabledLsms();
  checkLsms(labels, enabled);
  return enabled;
}

/**
 * process.selinuxLabel for keys that are made from here on. To be called before the session keyring is made or joined: the
 * process that will execute under the label must be let to it.
 */
export function labelKeyring(stub: StubProcess, { selinuxLabel }: LsmConfig): void {
  const enabled = requiredLsms({ selinuxLabel });
  if (!enabled) return;
  const property = 'process.selinuxLabel';
  const [procfs, pid] = attempt(property, () =>
    withProperty(stub, property, () => [openProcfs(stub), ownPid(stub)]),
  );
  const program = stub.program();
  setKeyringLabel(program, { selinuxLabel }, enabled, { procfs, pid });
  program.close(procfs);
  stub.run(program);
}

/**
 * Writes sysctls, and the labels that the next execve(2) changes to. `pid` is the stub's in its own pid namespace, if that
 * is known already.
 */
export function writeToProcfs(
  stub: StubProcess,
  labels: LsmConfig,
  { sysctl = {}, pid }: { sysctl?: Readonly<Record<string, string>> | undefined; pid?: number } = {},
): void {
  const enabled = requiredLsms(labels);
  const hasSysctl = Object.keys(sysctl).length > 0;
  if (!enabled && !hasSysctl) return;
  const property = hasSysctl ? 'linux.sysctl' : firstLabel(labels);
  const procfs = attempt(property, () => withProperty(stub, property, () => openProcfs(stub)));
  writeSysctls(stub, procfs, sysctl);
  if (enabled) {
    const program = stub.program();
    setExecLabels(program, labels, enabled, { procfs, pid: pid ?? ownPid(stub) });
    stub.run(program);
  }
  const closing = stub.program();
  closing.close(procfs);
  stub.run(closing);
}

function firstLabel({ apparmorProfile, selinuxLabel }: LsmConfig): string {
  if (apparmorProfile) return 'process.apparmorProfile';
  return selinuxLabel ? 'process.selinuxLabel' : 'linux.mountLabel';
}

/** The pid that a stub has in its own pid namespace. */
function ownPid(stub: StubProcess): number {
  const program = stub.program();
  const pid = program.call('getpid', [], 'get the pid');
  return stub.run(program).at(pid);
}
