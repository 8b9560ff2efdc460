// What tsoci knows of a container, and what follows from it and from /proc for its status (runtime.md#state).

import type { Hooks } from '../../config/generated/types.ts';
import { hasEnded, type ProcessIdentity, processStat } from '../../linux/procfs.ts';
import type { IntelRdtGroups } from '../../security/intel-rdt.ts';
import { STUB_NAME } from '../../stub/stub-name.ts';

export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped';

/** The unit of systemd that holds the container. */
export interface ContainerUnit {
  name: string;
  /** Whether it belongs to the user's manager, not the system's. */
  user: boolean;
  /** An URI in its Documentation= that no other unit has. */
  mark: string;
}

/** An operation of init's last program: what `start` has to know of it for its errors, and for a trace. */
export interface SavedOperation {
  doing: string;
  ignored: readonly number[];
  property?: string | undefined;
  /** The path that it executes, if it is an execve(2). */
  executes?: string | undefined;
}

/** What state.json in a container's directory tells. */
export interface ContainerRecord {
  ociVersion: string;
  id: string;
  /** The absolute path of the bundle. */
  bundle: string;
  /** The absolute path of the root filesystem. */
  rootfs: string;
  annotations?: Record<string, string>;
  /** RFC 3339. */
  created: string;
  /** The user who created it. */
  owner: number;
  /** The process of `create`, while it is at work. */
  creator?: ProcessIdentity;
  /** The container's init, once there is one. */
  init?: ProcessIdentity;
  /** The absolute directory of its cgroup, if it has one. */
  cgroup?: string;
  /** The inode of that directory, once it is the container's: the name alone may become another's. */
  cgroupInode?: number;
  /** The scope that the cgroup is of, with the systemd cgroup manager. Recorded before systemd is asked for it. */
  unit?: ContainerUnit;
  /** Directories of resctrl that were made for it. */
  intelRdt?: IntelRdtGroups;
  /** The hooks that later commands run: config.json is read once, by `create`. */
  hooks?: Pick<Hooks, 'startContainer' | 'poststart' | 'poststop'>;
  /** What its standard streams were when it was created: "pipe:[4711]", "/dev/null". `restore` gives it others in their place. */
  stdio?: readonly string[];
  /** Whether there is a process to start. */
  startable: boolean;
  /** The type of a namespace that was made for it, by which its processes are found when it has no cgroup. */
  ownNamespace?: 'mount' | 'pid';
  /** The pid of init in its own pid namespace: hooks in there are told it. */
  pidInside?: number;
  /** Whether it has a session keyring of its own. */
  keyring: boolean;
  /** Whether its user namespace denies setgroups(2). */
  setgroupsDenied?: boolean;
  /** The number of init's control descriptor, which `start` takes over. */
  control?: number;
  /** The program that init was left with. */
  program?: readonly SavedOperation[];
}

/** What the status depends on besides the record and init itself. Each is asked for only when the status depends on it. */
export interface Witness {
  /** Whether init is still waiting for `start`. */
  waiting: () => boolean;
  frozen: () => boolean;
}

export function statusOf(record: ContainerRecord, witness: Witness): Status {
  if (record.creator) {
    const creator = processStat(record.creator.pid);
    const working = creator && creator.startTime === record.creator.startTime && !hasEnded(creator);
    return working ? 'creating' : 'stopped';
  }
  if (!record.init) return 'stopped';
  const init = processStat(record.init.pid);
  if (!init || init.startTime !== record.init.startTime || hasEnded(init)) return 'stopped';
  // A container that was only created can be paused too: its init then does not do what `start` asks of it either.
  if (witness.frozen()) return 'paused';
  // `start` may have been killed before it removed the socket. Then the name of the process tells: init is no stub any more.
  return witness.waiting() && init.comm === STUB_NAME ? 'created' : 'running';
}
