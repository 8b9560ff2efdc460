// The host's side of a real creation.

import type { State } from '../../config/generated/types.ts';
import type { RuntimeHooks } from '../../hooks/hooks.ts';
import { closeDescriptor } from '../../linux/descriptor.ts';
import { forProperty } from '../../linux/errors.ts';
import { identify } from '../../linux/procfs.ts';
import { enterNamespaces } from '../../namespaces/enter.ts';
import type { StubProcess } from '../../stub/stub-process.ts';
import { adaptTerminal, sendTerminal } from '../init/console-socket.ts';
import type { Host, Init } from '../init/host.ts';
import type { PreparedFilter } from '../init/seccomp-filter.ts';
import { stateOf } from '../state/oci-state.ts';
import type { ContainerRecord } from '../state/record.ts';
import { rewriteRecord } from '../state/store.ts';
import { inodeOf } from './cgroup.ts';
import type { Creation } from './creation.ts';
import type { CreateOptions } from './options.ts';
import type { UnitPlan } from './systemd-scope.ts';

/** A container that is being made, on disk and in memory. */
export interface Reserved {
  record: ContainerRecord;
  /** Its directory, ROOT/ID. */
  directory: string;
  /** How to take back what was made so far. */
  undo: DisposableStack;
  /** Whether hooks were begun. */
  hooked: boolean;
}

/** Records the cgroup. From here on `delete` removes it, and kills what is in it. */
export function recordCgroup({ record, directory }: Reserved, cgroup: string): void {
  record.cgroup = cgroup;
  record.cgroupInode = inodeOf(cgroup);
  rewriteRecord(directory, record);
}

export class CreateHost implements Host {
  readonly listener: number;
  readonly cgroup: { fd: number; directory: string } | undefined;
  readonly notifyDirectory: string | undefined;
  /** The master of the container's terminal, where `run` keeps it. */
  terminal: number | undefined;
  readonly #creation: Creation;
  readonly #options: CreateOptions;
  readonly #reserved: Reserved;
  readonly #unit: UnitPlan | undefined;

  constructor(
    creation: Creation,
    options: CreateOptions,
    reserved: Reserved,
    {
      listener,
      cgroup,
      notifyDirectory,
      unit,
    }: Pick<Host, 'listener' | 'cgroup' | 'notifyDirectory'> & { unit: UnitPlan | undefined },
  ) {
    this.#creation = creation;
    this.#options = options;
    this.#reserved = reserved;
    this.#unit = unit;
    this.listener = listener;
    this.cgroup = cgroup;
    this.notifyDirectory = notifyDirectory;
  }

  prepareFilter(): PreparedFilter | undefined {
    const { bundle, modules } = this.#creation;
    const { root } = this.#options;
    return forProperty('linux.seccomp', () => modules.seccomp?.prepareFilter(bundle.config, root));
  }

  startScope(pid: number): string | undefined {
    const { caller, bundle, modules } = this.#creation;
    const { record, undo } = this.#reserved;
    if (!modules.systemd || !this.#unit || !record.unit) return undefined;
    const directory = modules.systemd.placeInit(caller, this.#unit, record.unit, bundle.config, pid, undo);
    recordCgroup(this.#reserved, directory);
    return directory;
  }

  ownInit(stub: StubProcess): void {
    this.#reserved.undo.defer(() => stub.dismiss());
  }

  recordInit({ stub, pidInside, setgroupsDenied }: Init): void {
    const { record, undo } = this.#reserved;
    // Before systemd ends its scope, too.
    undo.defer(() => stub.dismiss());
    record.init = identify(stub.pid);
    record.control = stub.control;
    record.pidInside = pidInside;
    record.setgroupsDenied = setgroupsDenied;
  }

  applyIntelRdt(pid: number): void {
    const { bundle, modules } = this.#creation;
    const { intelRdt } = bundle.config.linux ?? {};
    if (!modules.intelRdt || !intelRdt) return;
    const { applyIntelRdt, findResctrl, removeIntelRdt } = modules.intelRdt;
    const { record, undo } = this.#reserved;
    const groups = applyIntelRdt(intelRdt, { id: record.id, pid, resctrl: findResctrl() });
    undo.defer(() => removeIntelRdt(groups));
    record.intelRdt = groups;
  }

  beginHooks({ stub }: Init): State {
    this.#reserved.hooked = true;
    return stateOf(this.#reserved.record, 'creating', stub.pid);
  }

  enterContainer({ stub }: Init): Required<RuntimeHooks>['enter'] {
    const { launcher } = this.#creation.caller;
    return (stdio, property) => enterNamespaces(stub, { launcher, stdio, role: 'hook', property });
  }

  takeTerminal(master: number): void {
    if (!this.#options.keepTerminal) return sendTerminal(master, this.#options.consoleSocket);
    this.#reserved.undo.defer(() => closeDescriptor(master));
    adaptTerminal(this.#creation.caller, master);
    this.terminal = master;
  }
}
