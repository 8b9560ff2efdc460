// What happens beside criu while it restores a container: the cgroup that it comes into, hooks, the terminal, the record.

import { closeSync } from 'node:fs';
import { moveThrough } from '../../cgroups/cgroup-processes.ts';
import { listOf } from '../../config/variables.ts';
import type { Notification } from '../../criu/criu.ts';
import { asRuntime, runHooks } from '../../hooks/hooks.ts';
import { closeDescriptor } from '../../linux/descriptor.ts';
import { TsociError } from '../../linux/errors.ts';
import { identify, pidInside } from '../../linux/procfs.ts';
import { deniesSetgroups } from '../../namespaces/mappings.ts';
import type { StubProcess } from '../../stub/stub-process.ts';
import { limitCgroup, makeUnlimitedCgroup } from '../create/cgroup.ts';
import { type Reserved, recordCgroup } from '../create/create-host.ts';
import type { Creation } from '../create/creation.ts';
import { planPlace } from '../create/reserved.ts';
import { adaptTerminal, sendTerminal } from '../init/console-socket.ts';
import { killNow } from '../kill.ts';
import { stateOf } from '../state/oci-state.ts';
import { rewriteRecord } from '../state/store.ts';
import type { RestoreOptions } from './options.ts';

export interface Restoring {
  creation: Creation;
  options: RestoreOptions;
  reserved: Reserved;
}

export interface Surroundings extends Disposable {
  /** Puts criu where the container will be; so is, by inheritance, what it restores. */
  takeIn(stub: StubProcess): void;
  /** Limits come when all is there: criu is no part of the container, and may need more. */
  limit(): void;
}

/** The cgroup and the record. From here on `delete` cleans up. */
export function makeSurroundings({ creation, options, reserved }: Restoring): Surroundings {
  const { caller, bundle, modules } = creation;
  const { config } = bundle;
  const { record, undo } = reserved;
  const { place, unit } = planPlace(creation, options, reserved);
  const cgroup = place && makeUnlimitedCgroup(place, config, undo);
  if (cgroup) recordCgroup(reserved, cgroup.directory);
  else delete record.cgroup;
  return {
    takeIn: (stub) => {
      if (cgroup) stub.onHost((pid) => moveThrough(cgroup.fd, pid));
      if (modules.systemd && unit && record.unit)
        recordCgroup(reserved, modules.systemd.placeInit(caller, unit, record.unit, config, stub.pid, undo));
      const { intelRdt } = config.linux ?? {};
      if (!modules.intelRdt || !intelRdt) return;
      const { applyIntelRdt, findResctrl, removeIntelRdt } = modules.intelRdt;
      const groups = applyIntelRdt(intelRdt, { id: record.id, pid: stub.pid, resctrl: findResctrl() });
      undo.defer(() => removeIntelRdt(groups));
      record.intelRdt = groups;
    },
    limit: () => {
      if (cgroup) limitCgroup(caller, cgroup, config);
    },
    [Symbol.dispose]: () => {
      if (cgroup) closeSync(cgroup.fd);
    },
  };
}

export interface Course {
  notified: (notification: Notification) => void;
  /** The master of the container's terminal, where it is kept. */
  terminal: () => number | undefined;
  /** Ends what has been restored. */
  takeBack: () => void;
}

/** What is done when criu tells how far it is. */
export function restoring({ creation, options, reserved }: Restoring, surroundings: Surroundings): Course {
  const { caller } = creation;
  const { record, directory } = reserved;
  let terminal: number | undefined;
  const meet = (pid: number | undefined) => {
    if (pid === undefined) throw new TsociError("criu tells no pid of the container's init");
    record.init = identify(pid);
    return pid;
  };
  const notified = ({ script, pid, fd }: Notification) => {
    if (script === 'orphan-pts-master' && fd !== undefined) {
      if (options.detach || options.consoleSocket) return sendTerminal(fd, options.consoleSocket);
      adaptTerminal(caller, fd);
      terminal = fd;
      return;
    }
    if (fd !== undefined) closeDescriptor(fd);
    if (script === 'setup-namespaces') runRestoreHooks(creation, reserved, meet(pid));
    if (script !== 'post-restore') return;
    // All is there, and nothing has run yet.
    const init = meet(pid);
    record.pidInside = pidInside(init) ?? init;
    record.setgroupsDenied = deniesSetgroups(init);
    surroundings.limit();
    delete record.creator;
    rewriteRecord(directory, record);
  };
  const takeBack = () => {
    if (terminal !== undefined) closeDescriptor(terminal);
    killNow(record);
    if (record.init) caller.launcher.wait(record.init.pid);
  };
  return { notified, terminal: () => terminal, takeBack };
}

/** prestart and createRuntime hooks, as runc runs them: those that make what is not in a checkpoint, such as a network. */
function runRestoreHooks({ caller, bundle }: Creation, reserved: Reserved, pid: number): void {
  const { hooks } = bundle.config;
  if (!hooks) return;
  reserved.hooked = true;
  const setting = {
    state: JSON.stringify(stateOf(reserved.record, 'creating', pid)),
    start: asRuntime({ launcher: caller.launcher, env: listOf(caller.env), cwd: bundle.path }),
  };
  runHooks('prestart', hooks.prestart, setting);
  runHooks('createRuntime', hooks.createRuntime, setting);
}
