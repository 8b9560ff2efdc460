// features.md and features-linux.md, from the tables by which tsoci works.

import { Hooks } from '../config/generated/outline.ts';
import type { Features, SeccompFeatures, SeccompFlag } from '../config/generated/types.ts';
import {
  capabilityNames,
  memoryPolicyFlags,
  memoryPolicyModes,
  namespaceTypes,
  seccompArches,
} from '../config/generated/values.ts';
import { specVersion } from '../config/rules/version.ts';
import {
  SECCOMP_FILTER_FLAG_NEW_LISTENER,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
  SECCOMP_SET_MODE_FILTER,
} from '../linux/constants.ts';
import { EFAULT } from '../linux/errno.ts';
import { syscall } from '../linux/ffi.ts';
import { SYS } from '../linux/syscalls.ts';
import { knownMountOptions } from '../rootfs/options.ts';
import { tryLibseccomp } from '../security/seccomp/libseccomp.ts';
import { actions, filterFlags, operators } from '../security/seccomp/names.ts';
import { commit, version } from './version.ts';

export function features(): Features {
  const libseccomp = tryLibseccomp();
  return {
    ociVersionMin: '1.0.0',
    ociVersionMax: specVersion,
    hooks: Object.keys(Hooks.properties ?? {}),
    mountOptions: [...knownMountOptions],
    annotations: {
      'tsoci.version': version(),
      'tsoci.commit': commit(),
      // The key that runc and crun use.
      ...(libseccomp && { 'io.github.seccomp.libseccomp.version': libseccomp.version }),
    },
    potentiallyUnsafeConfigAnnotations: [],
    linux: {
      namespaces: [...namespaceTypes],
      capabilities: [...capabilityNames],
      cgroup: { v1: false, v2: true, systemd: false, systemdUser: false, rdma: true },
      seccomp: seccompFeatures(),
      apparmor: { enabled: true },
      selinux: { enabled: true },
      memoryPolicy: { modes: [...memoryPolicyModes], flags: [...memoryPolicyFlags] },
      intelRdt: { enabled: false },
      mountExtensions: { idmap: { enabled: true } },
      netDevices: { enabled: true },
    },
  };
}

function seccompFeatures(): SeccompFeatures {
  const flags = namesOf(filterFlags);
  return {
    enabled: true,
    actions: namesOf(actions),
    operators: namesOf(operators),
    archs: [...seccompArches],
    knownFlags: flags,
    supportedFlags: flags.filter(kernelSupports),
  };
}

/** seccomp(2): a filter that is no address fails with EINVAL where a flag is unknown, with EFAULT where it is known. */
function kernelSupports(name: SeccompFlag): boolean {
  const flag = filterFlags[name];
  const listener = flag === SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
  return syscall(SYS.seccomp, SECCOMP_SET_MODE_FILTER, flag | listener, null) === -EFAULT;
}

function namesOf<Name extends string>(table: Readonly<Record<Name, unknown>>): Name[] {
  return Object.keys(table) as Name[];
}
