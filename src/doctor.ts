// What the host offers to containers, and what to do about what is missing.

import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { findHierarchy } from './cgroups/hierarchy.ts';
import type { Caller } from './launcher/caller.ts';
import { CLONE_NEWNS, CLONE_NEWUSER, FSOPEN_CLOEXEC } from './linux/constants.ts';
import { messageOf } from './linux/errors.ts';
import { findExecutable } from './linux/files.ts';
import { whyTooOld } from './linux/kernel.ts';
import { writeMappings } from './namespaces/mappings.ts';
import { tryLibseccomp } from './security/seccomp/libseccomp.ts';
import { StubProcess } from './stub/stub-process.ts';

export interface Diagnosis {
  what: string;
  ok: boolean;
  /** Whether no container runs without it. */
  needed: boolean;
  /** What was found, or the kernel's answer. */
  found: string;
  /** What to do where it is missing. */
  advice: string;
}

/** Everything, in the order in which one thing builds on another. */
export function examine(caller: Caller): Diagnosis[] {
  return [
    kernel(release()),
    procfs(),
    stub(caller),
    ...cgroups(),
    userNamespaces(caller),
    ...overlays(caller),
    seccomp(),
    libseccomp(),
    lsms(),
    helper('newuidmap', caller),
    helper('newgidmap', caller),
  ];
}

export function kernel(kernelRelease: string): Diagnosis {
  const reason = whyTooOld(kernelRelease);
  return need('kernel', reason === undefined, kernelRelease, reason ?? '');
}

function procfs(): Diagnosis {
  const ok = existsSync('/proc/self/fd');
  return need('procfs', ok, ok ? 'at /proc' : 'not at /proc', 'mount it: mount -t proc proc /proc');
}

/** The stub is executed from a memfd, or from a file where memfds cannot be executed. What forbids both is in the answer. */
function stub(caller: Caller): Diagnosis {
  const answer = tried(() => StubProcess.spawn(caller.launcher, { stdio: caller.stdio }).dismiss());
  const advice =
    'every container begins as this process: a security module (SELinux, IMA, fapolicyd) may forbid it';
  return need('execution of the stub', answer === undefined, answer ?? 'works', advice);
}

function cgroups(): Diagnosis[] {
  const hierarchy = findHierarchy();
  if (!hierarchy) {
    const advice =
      'containers run without limits; boot with systemd.unified_cgroup_hierarchy=1 for cgroup v2';
    return [may('cgroup v2', false, 'not mounted', advice)];
  }
  const { mountPoint, controllers } = hierarchy;
  const layout = mountPoint === '/sys/fs/cgroup' ? 'pure' : 'beside v1';
  const wanted = ['cpu', 'cpuset', 'io', 'memory', 'pids'];
  const missing = wanted.filter((name) => !controllers.includes(name));
  return [
    may('cgroup v2', true, `${layout}, at ${mountPoint}`, ''),
    may(
      'cgroup controllers',
      missing.length === 0,
      missing.length === 0 ? controllers.join(' ') : `no ${missing.join(', ')}`,
      'limits of these fail; cgroup v1 may hold them: boot with systemd.unified_cgroup_hierarchy=1',
    ),
  ];
}

function userNamespaces(caller: Caller): Diagnosis {
  const answer = tried(() => inNamespaces([CLONE_NEWUSER], caller, () => {}));
  const advice =
    'rootless containers need them: sysctl user.max_user_namespaces=28633, kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0';
  return may('user namespaces', answer === undefined, answer ?? 'can be made', advice);
}

/** An ordinary user has them in user namespaces only. */
function overlays(caller: Caller): Diagnosis[] {
  const asRoot = () => overlay('overlay', [CLONE_NEWNS], caller, 'load the module: modprobe overlay');
  const what = 'overlay in user namespaces';
  const flags = [CLONE_NEWUSER, CLONE_NEWNS];
  return [
    ...(caller.uid === 0 ? [asRoot()] : []),
    overlay(what, flags, caller, 'it takes Linux 5.11 and user namespaces'),
  ];
}

function overlay(what: string, flags: readonly number[], caller: Caller, advice: string): Diagnosis {
  const answer = tried(() =>
    inNamespaces(flags, caller, (process) => {
      const program = process.program();
      program.open('fsopen', ['overlay', FSOPEN_CLOEXEC], 'open the filesystem overlay');
      process.run(program);
    }),
  );
  return may(what, answer === undefined, answer ?? 'works', advice);
}

/** Does something in a process with new namespaces. */
function inNamespaces(flags: readonly number[], caller: Caller, act: (process: StubProcess) => void): void {
  const boot = StubProcess.spawn(caller.launcher, { stdio: caller.stdio });
  try {
    for (const flag of flags) {
      const program = boot.program();
      program.call('unshare', [flag], 'make a namespace');
      boot.run(program);
      if (flag === CLONE_NEWUSER) {
        const map = (hostID: number) => [{ containerID: 0, hostID, size: 1 }];
        writeMappings(boot.pid, map(caller.uid), map(caller.gid), { uid: caller.uid, path: caller.env.PATH });
      }
    }
    act(boot);
  } finally {
    boot.dismiss();
  }
}

function seccomp(): Diagnosis {
  const ok = existsSync('/proc/sys/kernel/seccomp/actions_avail');
  const actions = ok
    ? readFileSync('/proc/sys/kernel/seccomp/actions_avail', 'utf8').trim()
    : 'not in this kernel';
  return may('seccomp', ok, actions, 'configs with linux.seccomp fail; it takes CONFIG_SECCOMP_FILTER');
}

function libseccomp(): Diagnosis {
  const version = tryLibseccomp()?.version;
  const advice = 'configs with linux.seccomp fail: install libseccomp2 (Debian) or libseccomp';
  return may('libseccomp', version !== undefined, version ?? 'not found', advice);
}

function lsms(): Diagnosis {
  const file = '/sys/kernel/security/lsm';
  const names = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  const confining = ['apparmor', 'selinux'].some((name) => names.split(',').includes(name));
  const advice = 'process.apparmorProfile and selinuxLabel need one; boot with lsm=…,apparmor or selinux';
  return may('security modules', confining, names || 'none to be seen (securityfs)', advice);
}

function helper(name: string, { env }: Caller): Diagnosis {
  const directories = (env.PATH || '/usr/local/bin:/usr/bin:/bin').split(':').filter(Boolean);
  const path = findExecutable(name, directories);
  const advice =
    'rootless containers with several ids need it: install the package uidmap (Debian) or shadow-utils';
  return may(name, path !== undefined, path ?? 'not in PATH', advice);
}

/** Undefined if it works, else why it does not. */
function tried(act: () => void): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function need(what: string, ok: boolean, found: string, advice: string): Diagnosis {
  return { what, ok, needed: true, found, advice };
}

function may(what: string, ok: boolean, found: string, advice: string): Diagnosis {
  return { what, ok, needed: false, found, advice };
}
