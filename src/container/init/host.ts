// The host's side of a creation: what is done beside init, and not by it.

import type { State } from '../../config/generated/types.ts';
import type { RuntimeHooks } from '../../hooks/hooks.ts';
import type { StubProcess } from '../../stub/stub-process.ts';
import type { PreparedFilter } from './seccomp-filter.ts';

/**
 * What the sequence needs of the host. `create` does it (create/create-host.ts). `plan` does nothing, and answers with what
 * would have come of it (plan/plan-container.ts). The members are in the order in which they are needed.
 */
export interface Host {
  /** Our descriptor of ROOT/ID/start.sock, on which init accepts the connection of `start`. */
  readonly listener: number;
  /** The cgroup that init starts in; undefined without one, and where systemd makes it (startScope). */
  readonly cgroup: { fd: number; directory: string } | undefined;
  /** The directory that is mounted for NOTIFY_SOCKET (sd_notify(3)); undefined if the caller has none. */
  readonly notifyDirectory: string | undefined;
  /** linux.seccomp: the compiled filter, with a connection to its agent. */
  prepareFilter(): PreparedFilter | undefined;
  /**
   * Has systemd make a scope with init in it, which has not made its cgroup namespace yet. The directory of the cgroup;
   * undefined where systemd is not in charge.
   */
  startScope(pid: number): string | undefined;
  /** Takes init as soon as it is there: a `create` that fails kills it. */
  ownInit(stub: StubProcess): void;
  /** Records init, which is in its namespaces now. */
  recordInit(init: Init): void;
  /** linux.intelRdt */
  applyIntelRdt(pid: number): void;
  /** The state that hooks get. From here on a `create` that fails runs the poststop hooks. */
  beginHooks(init: Init): State;
  /** What starts a hook in the namespaces of the container. */
  enterContainer(init: Init): Required<RuntimeHooks>['enter'];
  /** process.terminal: takes our descriptor of the master, which is the taker's to close. */
  takeTerminal(master: number): void;
}

/** Init, and what the sequence has found out of it. */
export interface Init {
  readonly stub: StubProcess;
  /** Its pid in its own pid namespace. */
  readonly pidInside: number;
  /** The umask of the caller. */
  readonly umask: number;
  /** Whether its user namespace denies setgroups(2). */
  readonly setgroupsDenied: boolean;
}
