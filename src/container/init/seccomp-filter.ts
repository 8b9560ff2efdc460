// The seccomp filter of a container's processes (config-linux.md#seccomp). Loaded only for a config that has one.

import { join } from 'node:path';
import type { Config, State } from '../../config/generated/types.ts';
import { connectAgent, containerProcessState } from '../../security/seccomp/agent.ts';
import { type CompiledFilter, compileFilter } from '../../security/seccomp/filter.ts';
import { installFilter } from '../../security/seccomp/install.ts';
import { letsWait } from '../../security/seccomp/wait.ts';
import type { Program } from '../../stub/program.ts';

export interface PreparedFilter {
  /** Our connection to the agent (listenerPath), if the filter asks one. The caller closes it. */
  agent: number | undefined;
  /**
   * Whether `create` installs it, so that the agent hears of the container before it is started: if the filter asks one, and
   * lets init wait. All others are installed after `start`: they may refuse what init calls to wait.
   */
  atCreate: boolean;
  /**
   * Installs the filter: a process makes only calls of wait.ts between this and execve(2). `agentInStub` is the stub's
   * descriptor of that connection.
   */
  install(program: Program, agentInStub: number, state: State, pid: number): void;
}

/**
 * Compiles the filter, or takes it from the cache of the state directory `root`. Without a state directory, for a plan,
 * nothing is kept and no agent is connected to.
 */
export function prepareFilter({ linux }: Config, root: string | undefined): PreparedFilter | undefined {
  const { seccomp } = linux ?? {};
  if (!seccomp) return undefined;
  // No container can have this name: an id has no ~.
  const filter: CompiledFilter = compileFilter(seccomp, root && join(root, '~seccomp'));
  const connect = () => (root === undefined ? -1 : connectAgent(seccomp.listenerPath ?? ''));
  const agent = filter.listener ? connect() : undefined;
  return {
    agent,
    atCreate: filter.listener && letsWait(seccomp),
    install: (program, agentInStub, state, pid) => {
      const message = containerProcessState(state, pid, seccomp.listenerMetadata);
      installFilter(program, filter, agent === undefined ? undefined : { fd: agentInStub, state: message });
    },
  };
}
