// New namespaces for a process that is no container's, and those that it joins.

import type { Caller } from '../launcher/caller.ts';
import { CLONE_NEWTIME, CLONE_NEWUSER, MS_PRIVATE, MS_REC } from '../linux/constants.ts';
import { loopbackUp } from '../network/loopback.ts';
import { setInitialAffinity } from '../security/affinity.ts';
import { StubProcess } from '../stub/stub-process.ts';
import { becomeRoot, setDumpable } from './enter.ts';
import { joinNamespaces, type OpenNamespace } from './join.ts';
import { type UserMappings, writeMappings, writeTimeOffsets } from './mappings.ts';
import { type NamespaceType, namespaceTypes } from './namespace-plan.ts';
import { cloneInit, unshare } from './new-namespaces.ts';

export interface WantedNamespaces {
  /** Those made anew. */
  create: ReadonlySet<NamespaceType>;
  /** Those joined, as descriptors of ours. */
  join: readonly OpenNamespace[];
  /** Of a new user namespace. */
  mappings: UserMappings;
  /** How far the clocks of a new time namespace are shifted, in seconds. */
  offset: number;
  /** The CPU that makes them; undefined for any. */
  cpu?: number;
}

/**
 * A stub in the namespaces, as root of its user namespace. A user namespace is made first, so that the others are its
 * (user_namespaces(7)). A time namespace is that of children alone, and takes its offsets before there is one. Mounts are not
 * passed on, and a new network has its loopback device up.
 */
export function processIn(caller: Caller, wanted: WantedNamespaces, role: string): StubProcess {
  const { create, join, mappings, offset, cpu } = wanted;
  const { launcher, stdio, uid, env } = caller;
  using boot = StubProcess.spawn(launcher, { stdio, extra: join.map(({ fd }) => fd) });
  if (cpu !== undefined) {
    const program = boot.program();
    setInitialAffinity(program, { initial: String(cpu) });
    boot.later(program);
  }
  if (join.length > 0) joinAll(boot, join);
  if (create.has('user')) {
    unshare(boot, CLONE_NEWUSER, 'make a user namespace');
    boot.onHost((pid) =>
      writeMappings(pid, mappings.uidMappings, mappings.gidMappings, { uid, path: env.PATH }),
    );
  }
  if (create.has('user') || join.some(({ type }) => type === 'user')) becomeRoot(boot);
  if (create.has('time')) {
    unshare(boot, CLONE_NEWTIME, 'make a time namespace');
    boot.onHost((pid) =>
      writeTimeOffsets(pid, offset === 0 ? {} : { monotonic: { secs: offset }, boottime: { secs: offset } }),
    );
  }
  const flags = [...create]
    .filter((type) => type !== 'user' && type !== 'time')
    .reduce((all, type) => all | namespaceTypes[type].flag, 0);
  const child = cloneInit(boot, flags, undefined, role);
  const program = child.program();
  for (let i = 0; i < join.length; i++) program.close(child.extra(i));
  if (create.has('mount')) {
    const args = [null, '/', null, MS_REC | MS_PRIVATE, null];
    program.call('mount', args, 'keep mounts from other mount namespaces');
  }
  if (create.has('network')) loopbackUp(program);
  child.later(program);
  return child;
}

/** Processes that are in the namespaces already must not reach into the stub (ptrace(2)). */
function joinAll(boot: StubProcess, join: readonly OpenNamespace[]): void {
  const program = boot.program();
  setDumpable(program, false);
  boot.later(program);
  joinNamespaces(
    boot,
    join,
    join.map((_, i) => boot.extra(i)),
  );
}
