// Another process in a container that is there, in its cgroup and confined as its init: the process of `exec`, and
// startContainer hooks.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { refuseFrozen } from '../cgroups/cgroup-processes.ts';
import { type EnteredCgroup, openEntered } from '../cgroups/entered-cgroup.ts';
import { cgroupOfProcess, findHierarchy } from '../cgroups/hierarchy.ts';
import { subCgroup } from '../cgroups/path.ts';
import type { Config, Process } from '../config/generated/types.ts';
import type { ProcessIdentity } from '../linux/procfs.ts';
import { cloneInto, type EnterOptions, openTarget, spawnBoot } from '../namespaces/enter.ts';
import { resetAffinity, setInitialAffinity } from '../security/affinity.ts';
import { joinSessionKeyring } from '../security/keyring.ts';
import { setOomScoreAdj } from '../security/oom-score.ts';
import type { StubProcess } from '../stub/stub-process.ts';
import type { OptionalModules } from './create/optional-modules.ts';
import { labelKeyring, writeToProcfs } from './init/labels.ts';
import { type ProcessGiven, type ResolvedProcess, resolveProcess, type Teller } from './init/process.ts';
import type { ContainerRecord } from './state/record.ts';

/** What of a container decides about a process that comes in. */
export interface Container {
  record: Pick<ContainerRecord, 'id' | 'keyring' | 'intelRdt' | 'setgroupsDenied'>;
  init: ProcessIdentity;
  config: Config;
  modules: OptionalModules;
}

/** A stub in the namespaces of the container's init, and in a cgroup if one is given. */
export function enterContainer(init: ProcessIdentity, process: Process, options: EnterOptions): StubProcess {
  using target = openTarget(init);
  using boot = spawnBoot(target, options);
  const program = boot.program().for('process.execCPUAffinity');
  setInitialAffinity(program, process.execCPUAffinity);
  if (program.length > 0) boot.run(program);
  // Set before the stub enters, when the files of an undumpable process in /proc become root's. Its clone inherits it.
  const { oomScoreAdj } = process;
  if (oomScoreAdj !== undefined) boot.onHost((pid) => setOomScoreAdj(pid, oomScoreAdj));
  return cloneInto(boot, target, options);
}

/** The class of resctrl, a session of its own, and the container's session keyring. */
export function joinSession(stub: StubProcess, container: Container, process: Process): void {
  const { record } = container;
  stub.onHost((pid) => joinClass(container, pid));
  if (record.keyring) labelKeyring(stub, process);
  const program = stub.program();
  program.call('setsid', [], 'start a session');
  if (record.keyring) joinSessionKeyring(program, record.id);
  if (!process.execCPUAffinity) resetAffinity(program);
  stub.run(program);
}

/** linux.intelRdt. */
function joinClass({ record, config, modules }: Container, pid: number): void {
  const { intelRdt } = config.linux ?? {};
  if (!modules.intelRdt || !intelRdt) return;
  const { findResctrl, joinIntelRdt } = modules.intelRdt;
  joinIntelRdt(intelRdt, record.intelRdt ?? {}, { id: record.id, pid, resctrl: findResctrl() });
}

/** Labels, and what has to be known of the process before it can be executed. */
export function resolveAnother(
  caller: Teller,
  stub: StubProcess,
  { record, config }: Container,
  given: Pick<ProcessGiven, 'process' | 'variables' | 'hook'>,
): ResolvedProcess {
  const { apparmorProfile, selinuxLabel, user } = given.process;
  writeToProcfs(stub, { apparmorProfile, selinuxLabel });
  return resolveProcess(caller, stub, {
    ...given,
    linux: config.linux,
    umask: user?.umask,
    setgroupsDenied: record.setgroupsDenied ?? false,
  });
}

/**
 * The cgroup that the process starts in: the container's, or the one below it that is asked for. Where the
 * container has made cgroups below its own and turned on controllers for them, no process can be in its own (cgroups(7), no
 * internal processes): then it is that of init.
 */
export function openCgroup(
  record: ContainerRecord,
  init: ProcessIdentity,
  { cgroup: sub, ignorePaused }: { cgroup?: string | undefined; ignorePaused?: boolean },
): EnteredCgroup | undefined {
  if (!record.cgroup) return undefined;
  const directory = sub === undefined ? usableCgroup(record.cgroup, init.pid) : subCgroup(record.cgroup, sub);
  // This cgroup may be frozen even where that of the container is not.
  if (!ignorePaused) refuseFrozen(directory);
  return openEntered(directory);
}

function usableCgroup(directory: string, initPid: number): string {
  if (readFileSync(join(directory, 'cgroup.subtree_control'), 'utf8').trim() === '') return directory;
  return join(findHierarchy()?.mountPoint ?? '/', cgroupOfProcess(initPid));
}
