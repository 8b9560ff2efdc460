// startContainer hooks (config.md#startcontainer-hooks): programs of the image. Each gets the rights of the container's process
// and no more: its user, groups, capabilities, no_new_privs, limits, labels and seccomp filter, in its cgroup.

import { closeSync } from 'node:fs';
import type { Process, State } from '../config/generated/types.ts';
import type { HookSetting } from '../hooks/hooks.ts';
import type { Caller } from '../launcher/caller.ts';
import { closeDescriptor } from '../linux/descriptor.ts';
import type { ProcessIdentity } from '../linux/procfs.ts';
import { ENTER_EXTRA, type EnterOptions } from '../namespaces/enter.ts';
import type { StubProcess } from '../stub/stub-process.ts';
import {
  type Container,
  enterContainer,
  joinSession,
  openCgroup,
  resolveAnother,
} from './another-process.ts';
import { importModules } from './create/optional-modules.ts';
import type { PreparedFilter } from './init/seccomp-filter.ts';
import { confineProcess, executeProcess } from './init/sequence.ts';
import { stateOf } from './state/oci-state.ts';
import type { ContainerRecord } from './state/record.ts';
import { readSavedConfig } from './state/saved.ts';
import { containerDirectory } from './state/store.ts';

/** What `start` reads of the container, and loads for it, before it takes its lock. */
export async function readHooked(root: string, id: string): Promise<Pick<Container, 'config' | 'modules'>> {
  const config = readSavedConfig(containerDirectory(root, id));
  return { config, modules: await importModules(config, { systemd: false }) };
}

/** A container with such hooks. */
export interface HookedContainer extends Container {
  /** Its state, as an agent of its seccomp filter is told. */
  state: State;
  /** A stub in the container. */
  enter(process: Process, options: EnterOptions): StubProcess;
  /** linux.seccomp, with a connection of its own to an agent. */
  prepareFilter(): PreparedFilter | undefined;
}

export function enterable(
  root: string,
  record: ContainerRecord,
  init: ProcessIdentity,
  { config, modules }: Pick<Container, 'config' | 'modules'>,
): HookedContainer {
  return {
    ...{ record, init, config, modules, state: stateOf(record, 'created', init.pid) },
    enter(process, options) {
      using opened = new DisposableStack();
      const cgroup = openCgroup(record, init, {});
      if (cgroup) opened.defer(() => closeSync(cgroup.fd));
      return enterContainer(init, process, { ...options, cgroup });
    },
    prepareFilter: () => modules.seccomp?.prepareFilter(config, root),
  };
}

/** Hooks that have the rights of the container's process. */
export function asProcess(
  { launcher, status }: Pick<Caller, 'launcher' | 'status'>,
  container: HookedContainer,
): HookSetting['start'] {
  const { execCPUAffinity, terminal, ...process } = container.config.process ?? { cwd: '/' };
  return (hook, stdio, property) => {
    using opened = new DisposableStack();
    const filter = container.prepareFilter();
    const agent = filter?.agent;
    if (agent !== undefined) opened.defer(() => closeDescriptor(agent));
    const extra = agent === undefined ? [] : [agent];
    const stub = container.enter(process, { launcher, stdio, extra, role: 'hook', property });
    try {
      joinSession(stub, container, process);
      // What is to be said of the process has been said by `create`.
      const quiet = { status, stdio, warn: () => {}, debug: () => {} };
      const resolved = resolveAnother(quiet, stub, container, { process, variables: [], hook });
      const program = stub.program();
      const { state } = container;
      const seccomp = filter && { filter, agent: stub.extra(ENTER_EXTRA), state, pid: stub.pid };
      confineProcess(program, resolved, seccomp !== undefined);
      executeProcess(program, resolved, seccomp);
      return { stub, program };
    } catch (error) {
      stub.dismiss();
      throw error;
    }
  };
}
