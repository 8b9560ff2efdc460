// Containers that tsoci stays with: create, start, wait, delete in one (run), and create and wait (create --wait).

import type { Caller } from '../launcher/caller.ts';
import { closeDescriptor } from '../linux/descriptor.ts';
import { CallerGone, checkWanted, neverGiveUp } from '../linux/wanted.ts';
import { exitStatus, explainEnd } from './attach/end.ts';
import { type Attended, attend } from './attach/foreground.ts';
import { explainFailure } from './create/config-failure.ts';
import { createContainer } from './create/create.ts';
import type { Prepared } from './create/creation.ts';
import type { OptionalModules } from './create/optional-modules.ts';
import type { CreateOptions } from './create/options.ts';
import { destroy, systemdFor } from './delete.ts';
import { killNow } from './kill.ts';
import type { NotifySocket } from './notify-socket.ts';
import { startContainer } from './start.ts';
import { withLock } from './state/lock.ts';
import type { ContainerRecord } from './state/record.ts';
import { containerDirectory, tryReadRecord } from './state/store.ts';

export interface RunOptions extends CreateOptions {
  /** Return once it is started. */
  detach: boolean;
  /** Leave the stopped container to `delete`. */
  keep: boolean;
}

/** Runs a container; the exit status of its process, or 0 with `detach`. */
export async function runContainer(
  caller: Caller,
  options: RunOptions,
  prepared?: Prepared,
): Promise<number> {
  const { root, id, detach, keep, consoleSocket } = options;
  if (!detach) caller.signals.hold();
  const keepTerminal = !detach && !consoleSocket;
  const { record, source, terminal } = await createContainer(caller, { ...options, keepTerminal }, prepared);
  const systemd = await systemdFor(record);
  let notify: NotifySocket | undefined;
  try {
    checkWanted();
    notify = await startContainer(caller, { root, id, attended: !detach });
  } catch (error) {
    if (terminal !== undefined) closeDescriptor(terminal);
    takeBack(caller, root, record, systemd);
    throw explainFailure(caller, source, error);
  }
  if (detach || !record.init) return 0;
  return attendContainer(caller, { root, record, keep, systemd }, { terminal, notify });
}

interface AttendedContainer {
  root: string;
  record: ContainerRecord;
  keep: boolean;
  systemd: OptionalModules['systemd'];
}

/** Waits for the end of a container in the foreground, and deletes it: the exit status of its process. */
export async function attendContainer(
  caller: Caller,
  { root, record, keep, systemd }: AttendedContainer,
  attended: Attended,
): Promise<number> {
  const status = await attendInit(caller, record, attended).catch((error: unknown) => {
    // Who kills tsoci alone leaves the container to go on.
    if (!(error instanceof CallerGone)) takeBack(caller, root, record, systemd);
    throw error;
  });
  if (!keep) remove(caller, root, record.id, systemd);
  return status;
}

/** Creates a container, which others start, kill and delete; the exit status of its process. */
export async function createAndWait(
  caller: Caller,
  options: CreateOptions,
  prepared?: Prepared,
): Promise<number> {
  caller.signals.hold();
  const { record } = await createContainer(caller, options, prepared);
  return attendInit(caller, record, {});
}

/** Waits for the end of a container's process, and tells why it ended where its exit status does not; that status. */
async function attendInit(caller: Caller, record: ContainerRecord, attended: Attended): Promise<number> {
  if (!record.init) return 0;
  const { pid } = record.init;
  const status = await attend(caller, pid, attended);
  const why = explainEnd({ pid, status, cgroup: record.cgroup, killsBefore: 0 });
  if (why) caller.warn(why);
  return exitStatus(status);
}

/** Ends a container that could not be started, or cannot be attended, and deletes it. */
function takeBack(
  caller: Caller,
  root: string,
  record: ContainerRecord,
  systemd: OptionalModules['systemd'],
): void {
  neverGiveUp();
  killNow(record);
  try {
    if (record.init) caller.launcher.wait(record.init.pid);
  } finally {
    // A failed hook has destroyed the container already.
    if (tryReadRecord(containerDirectory(root, record.id))) remove(caller, root, record.id, systemd);
  }
}

/** Deletes the container, unless somebody else has done so meanwhile. */
function remove(caller: Caller, root: string, id: string, systemd: OptionalModules['systemd']): void {
  withLock(root, id, (directory) => {
    const record = tryReadRecord(directory);
    if (!record) return;
    killNow(record);
    destroy(caller, directory, record, systemd);
  });
}
