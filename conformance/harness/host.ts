// What this host can do, for checks that need more than every Linux has.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { hierarchies } from './cgroup.ts';
import { Skip } from './expect.ts';
import { statusField } from './proc.ts';

export interface Host {
  cpus: number;
  /** Whether all controllers are in one cgroup v2 hierarchy. */
  pureV2: boolean;
  apparmor: boolean;
  selinux: boolean;
  resctrl: boolean;
  /** Numbers of the capabilities that this process may not give to a container. */
  missingCapabilities: number[];
}

export function examineHost(): Host {
  const bounding = BigInt(`0x${statusField(readFileSync('/proc/self/status', 'utf8'), 'CapBnd')}`);
  const last = Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8'));
  const all = Array.from({ length: last + 1 }, (_, number) => number);
  return {
    cpus: cpus().length,
    pureV2: hierarchies().every(({ version }) => version === 2),
    apparmor: existsSync('/sys/kernel/security/apparmor'),
    selinux: existsSync('/sys/fs/selinux/enforce'),
    resctrl: existsSync('/sys/fs/resctrl/schemata'),
    missingCapabilities: all.filter((number) => ((bounding >> BigInt(number)) & 1n) === 0n),
  };
}

/** The numbers of some disk of the host. */
export function someDisk(): { major: number; minor: number } {
  const disk = readdirSync('/sys/block').find((name) => !/^(loop|ram|zram)/.test(name));
  if (disk === undefined) throw new Skip('this host has no disk');
  const [major = 0, minor = 0] = readFileSync(`/sys/block/${disk}/dev`, 'utf8').split(':').map(Number);
  return { major, minor };
}
