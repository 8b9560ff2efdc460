// The seccomp filter of a container's processes (config-linux.md#seccomp). Loaded only for a config that has one.

import { join } from 'node:path';
import type { Config, State } from '../../config/generated/types.ts';
import { connectAgent, containerProcessState } from '../../security/seccomp/agent.ts';
import { type CompiledFilter, compileFilter } from '../../security/seccomp/filter.ts';
import { installFilter } from '../../security/seccomp/install.ts';
import type { Program } from '../../stub/program.ts';

export interface PreparedFilter {
  /** A descriptor of ours, connected to the agent that is asked, if one is. The caller closes it. */
  agent: number | undefined;
  /** `agentInStub` is the stub's descriptor of the same connection. The last operation before execve. */
  install(program: Program, agentInStub: number, state: State, pid: number): void;
}

/**
 * Compiles the filter, or takes it from the cache of the state directory. Without one, for a plan, nothing is kept and
 * no agent is connected to.
 */
export function prepareFilter({ linux }: Config, root: string | undefined): PreparedFilter | undefined {
  const { seccomp } = linux ?? {};
  if (!seccomp) return undefined;
  // No container id has this character.
  const filter: CompiledFilter = compileFilter(seccomp, root && join(root, '~seccomp'));
  const connect = () => (root === undefined ? -1 : connectAgent(seccomp.listenerPath ?? ''));
  const agent = filter.listener ? connect() : undefined;
  return {
    agent,
    install: (program, agentInStub, state, pid) => {
      const message = containerProcessState(state, pid, seccomp.listenerMetadata);
      installFilter(program, filter, agent === undefined ? undefined : { fd: agentInStub, state: message });
    },
  };
}
