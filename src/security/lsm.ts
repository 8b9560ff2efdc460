// AppArmor and SELinux: process.apparmorProfile, process.selinuxLabel, linux.mountLabel (config.md#linux-process,
// config-linux.md#mount-label). What the next execve(2) changes to is written to /proc/PID/attr, which takes writes
// only from that process itself (proc_pid_attr(5)).

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { O_CLOEXEC, O_DIRECTORY, O_RDONLY, O_WRONLY } from '../linux/constants.ts';
import { TsociError } from '../linux/errors.ts';
import { tryRead } from '../linux/files.ts';
import { type Program, withProperty } from '../stub/program.ts';
import { openInProcfs } from './checked-procfs.ts';

export interface EnabledLsms {
  readonly apparmor: boolean;
  readonly selinux: boolean;
}

/** What config.json says; an empty string says nothing. */
export interface LsmConfig {
  readonly apparmorProfile?: string | undefined;
  readonly selinuxLabel?: string | undefined;
  readonly mountLabel?: string | undefined;
}

/** Where the process finds itself: a descriptor of openProcfs, and its own pid in that procfs. */
export interface OwnProcfs {
  readonly procfs: number;
  readonly pid: number;
}

/** AppArmor's name for no confinement: no change where AppArmor is off. */
const UNCONFINED = 'unconfined';

/** Which LSMs the kernel runs. `sys` is where sysfs is mounted. */
export function enabledLsms(sys = '/sys'): EnabledLsms {
  const list = tryRead(join(sys, 'kernel/security/lsm'))?.split(',');
  return {
    apparmor: list?.includes('apparmor') ?? tryRead(join(sys, 'module/apparmor/parameters/enabled')) === 'Y',
    selinux: list?.includes('selinux') ?? existsSync(join(sys, 'fs/selinux/enforce')),
  };
}

/** A profile or a label without its LSM is an error: the container would run without its confinement. */
export function checkLsms(config: LsmConfig, enabled: EnabledLsms): void {
  const { apparmorProfile, selinuxLabel, mountLabel } = config;
  if (apparmorProfile && apparmorProfile !== UNCONFINED && !enabled.apparmor)
    throw off(`use AppArmor profile ${apparmorProfile}`, 'AppArmor', 'process.apparmorProfile');
  if (selinuxLabel && !enabled.selinux)
    throw off(`use SELinux label ${selinuxLabel}`, 'SELinux', 'process.selinuxLabel');
  if (mountLabel && !enabled.selinux) throw off(`label mounts ${mountLabel}`, 'SELinux', 'linux.mountLabel');
}

/** After checkLsms. Before no_new_privs and before the credentials change: a profile may be out of reach then. */
export function setExecLabels(
  program: Program,
  config: LsmConfig,
  enabled: EnabledLsms,
  own: OwnProcfs,
): void {
  const { apparmorProfile, selinuxLabel } = config;
  if (apparmorProfile && enabled.apparmor) {
    const doing = `change to AppArmor profile ${apparmorProfile} (is it loaded?)`;
    withProperty(program, 'process.apparmorProfile', () =>
      writeAttribute(program, own, 'apparmor/exec', `exec ${apparmorProfile}`, doing),
    );
  }
  if (selinuxLabel && enabled.selinux) {
    withProperty(program, 'process.selinuxLabel', () =>
      writeAttribute(program, own, 'exec', selinuxLabel, `change to SELinux label ${selinuxLabel}`),
    );
  }
}

/** The label of keys that are made from here to execve(2), which forgets it: before the session keyring. */
export function setKeyringLabel(
  program: Program,
  config: LsmConfig,
  enabled: EnabledLsms,
  own: OwnProcfs,
): void {
  const { selinuxLabel } = config;
  if (!selinuxLabel || !enabled.selinux) return;
  withProperty(program, 'process.selinuxLabel', () =>
    writeAttribute(program, own, 'keycreate', selinuxLabel, `label keys ${selinuxLabel}`),
  );
}

/** Filesystems of the kernel that label their files themselves. */
const unlabelled: ReadonlySet<string> = new Set(['proc', 'sysfs', 'cgroup', 'cgroup2']);

/**
 * Filesystems that take no option context=: the kernel has made them with the namespace, and a mount only attaches them.
 * Their root can be labelled.
 */
const labelledAtRoot: ReadonlySet<string> = new Set(['mqueue']);

/** linux.mountLabel for a new filesystem: the value of its option context= (mount(8)), or for its root alone. */
export type Labelling = { context: string } | { root: string };

/** config-linux.md#mount-label for a filesystem of a type; undefined where it stays as it is. */
export function labelling(
  type: string,
  mountLabel: string,
  { ownIpc = false }: { ownIpc?: boolean | undefined } = {},
): Labelling | undefined {
  if (unlabelled.has(type)) return undefined;
  if (!labelledAtRoot.has(type)) return { context: mountLabel };
  return ownIpc ? { root: mountLabel } : undefined;
}

/** An option that is a label. */
const labelOption = /^((?:|fs|def|root)context=)"?([^"]*)"?$/;

export function isLabelOption(option: string): boolean {
  return labelOption.test(option);
}

/** As mount(2) takes it, among others with commas between them: a label has commas of its own. */
export function quoteLabel(option: string): string {
  return option.replace(labelOption, '$1"$2"');
}

/** As fsconfig(2) takes it. */
export function unquoteLabel(option: string): string {
  return option.replace(labelOption, '$1$2');
}

/** linux.mountLabel for the root of a filesystem. `mount` is a descriptor of it. */
export function labelRoot(program: Program, mount: number, mountLabel: string, doing: string): void {
  const what = `${doing}: mountLabel ${mountLabel}`;
  const root = program.open('openat', [mount, '.', O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0], what);
  const label = Buffer.from(mountLabel, 'utf8');
  program.call('fsetxattr', [root, 'security.selinux', label, label.length, 0], what);
  program.close(root);
}

function writeAttribute(
  program: Program,
  { procfs, pid }: OwnProcfs,
  file: string,
  text: string,
  doing: string,
): void {
  const fd = openInProcfs(program, procfs, `${pid}/attr/${file}`, O_WRONLY, doing);
  const bytes = Buffer.from(text, 'utf8');
  program.call('write', [fd, bytes, bytes.length], doing);
  program.close(fd);
}

function off(doing: string, lsm: string, property: string): TsociError {
  return new TsociError(`${doing}: ${lsm} is not enabled on this kernel; leave it out`, {
    property,
  });
}
