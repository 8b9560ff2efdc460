// podman's default seccomp profile, turned into linux.seccomp the way podman does for an ordinary container.

import { existsSync, readFileSync } from 'node:fs';
import type { Seccomp, SeccompArch, Syscall } from '../../src/config/generated/types.ts';

const path = '/usr/share/containers/seccomp.json';

/** The capabilities of a podman container by default (containers.conf(5)). */
const capabilities = [
  ...['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_FSETID', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'],
  ...['CAP_SETFCAP', 'CAP_SETGID', 'CAP_SETPCAP', 'CAP_SETUID', 'CAP_SYS_CHROOT'],
];

interface Condition {
  arches?: string[];
  caps?: string[];
}

interface Profile extends Pick<Seccomp, 'defaultAction' | 'defaultErrnoRet'> {
  archMap: { architecture: SeccompArch; subArchitectures: SeccompArch[] }[];
  syscalls: (Syscall & { includes?: Condition; excludes?: Condition })[];
}

export const hasPodmanProfile = existsSync(path);

export function podmanProfile(): Seccomp {
  const profile: Profile = JSON.parse(readFileSync(path, 'utf8'));
  const arch = process.arch === 'x64' ? 'amd64' : 'arm64';
  const native = process.arch === 'x64' ? 'SCMP_ARCH_X86_64' : 'SCMP_ARCH_AARCH64';
  const sub = profile.archMap.find(({ architecture }) => architecture === native)?.subArchitectures ?? [];
  const syscalls = profile.syscalls.filter(({ includes = {}, excludes = {} }) => {
    if (includes.arches && !includes.arches.includes(arch)) return false;
    if (includes.caps?.some((name) => !capabilities.includes(name))) return false;
    if (excludes.arches?.includes(arch)) return false;
    return !excludes.caps?.some((name) => capabilities.includes(name));
  });
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet === undefined ? {} : { defaultErrnoRet: profile.defaultErrnoRet }),
    architectures: [native, ...sub],
    syscalls: syscalls.map(({ names, action, errnoRet, args }) => ({
      names,
      action,
      ...(errnoRet === undefined ? {} : { errnoRet }),
      args: args ?? [],
    })),
  };
}
