// runtime.md#create: from a bundle to an init that waits for `start`. What happens to init is in init/sequence.ts.

import { closeSync, writeFileSync } from 'node:fs';
import type { Hooks } from '../../config/generated/types.ts';
import type { Caller } from '../../launcher/caller.ts';
import { attemptAsync, onceOnly } from '../../linux/attempt.ts';
import { closeDescriptor } from '../../linux/descriptor.ts';
import { messageOf, TsociError } from '../../linux/errors.ts';
import { discardEmptyDirectory } from '../../linux/files.ts';
import { identify } from '../../linux/procfs.ts';
import { step } from '../../linux/steps.ts';
import { undoable } from '../../linux/undo.ts';
import { listenAt } from '../../linux/unix-socket.ts';
import { checkWanted } from '../../linux/wanted.ts';
import { executedBy } from '../../stub/program.ts';
import { checkConsole } from '../init/console-socket.ts';
import { createInit } from '../init/sequence.ts';
import { makeNotifyDirectory, managerSocket } from '../notify-socket.ts';
import { lockContainer } from '../state/lock.ts';
import type { ContainerRecord } from '../state/record.ts';
import {
  checkId,
  existsAlready,
  hasRecord,
  removeDirectory,
  reserve,
  rewriteRecord,
  savedConfig,
  startSocket,
  writeRecord,
} from '../state/store.ts';
import { makeCgroup, planCgroup } from './cgroup.ts';
import { type ConfigSource, explainingConfig } from './config-failure.ts';
import { CreateHost, type Reserved, recordCgroup } from './create-host.ts';
import { type Creation, type Prepared, prepareCreation } from './creation.ts';
import type { CreateOptions } from './options.ts';
import { writePidFile } from './pid-file.ts';
import { sendPidfd } from './pidfd-socket.ts';
import { runPoststop } from './poststop.ts';

export interface Created {
  record: ContainerRecord;
  /** Where its config was read from. */
  source: ConfigSource;
  /** The master of its terminal, with keepTerminal. */
  terminal: number | undefined;
}

/** Creates a container, or leaves everything as it was. */
export async function createContainer(
  caller: Caller,
  options: CreateOptions,
  prepared?: Prepared,
): Promise<Created> {
  checkId(options.id);
  step(`create container ${options.id} of bundle ${options.bundle}`);
  const creation = await attemptAsync(() => prepareCreation(caller, options));
  await prepared?.(creation);
  const { config, source } = creation.bundle;
  explainingConfig(caller, source, () => checkConsole(caller, config.process?.terminal ?? false, options));
  // It may have been while we started.
  checkWanted();
  const directory = reserve(options.root, options.id);
  const lockFd = lockReserved(directory, options.id);
  try {
    const record = newRecord(creation, options);
    return undoable(
      (undo) =>
        explainingConfig(caller, source, () =>
          onceOnly(() => createReserved(creation, options, { record, directory, undo, hooked: false })),
        ),
      (error) => caller.warn(`clean up after a failed create: ${messageOf(error)}`),
    );
  } finally {
    closeSync(lockFd);
  }
}

/** Locks the directory of a new container. One that cannot be locked is given up, and its id with it. */
function lockReserved(directory: string, id: string): number {
  let fd: number | undefined;
  try {
    fd = lockContainer(directory, id);
    // Before we had the lock a `delete` may have removed the directory, and another `create` may have made it anew.
    if (hasRecord(directory)) throw existsAlready(id);
    return fd;
  } catch (error) {
    discardEmptyDirectory(directory);
    if (fd !== undefined) closeSync(fd);
    throw error;
  }
}

function createReserved(creation: Creation, options: CreateOptions, reserved: Reserved): Created {
  const { caller, bundle, modules } = creation;
  const { record, directory, undo } = reserved;
  // A failed hook ends the container, which then has its poststop hooks (runtime.md#lifecycle, steps 3 to 5). So has one that
  // fails later: what its hooks have made must be taken back. Hooks take a launcher: where it was killed, those of poststop
  // and the record are left to `delete`.
  const leftToDelete = () =>
    reserved.hooked && record.hooks?.poststop !== undefined && !caller.launcher.alive;
  undo.defer(() => {
    if (reserved.hooked && !leftToDelete()) runPoststop(caller, record);
  });
  undo.defer(() => {
    if (!leftToDelete()) removeDirectory(directory);
  });
  const place = planCgroup(caller, options, bundle.config);
  const unit = modules.systemd?.planUnit(caller, options.id, bundle.config);
  if (place) record.cgroup = place.directory;
  if (modules.systemd && unit) record.unit = modules.systemd.markUnit(unit, directory);
  // From here on `delete` knows what there is to clean up, also when this process is killed.
  writeRecord(directory, record);
  writeNew(savedConfig(directory), bundle.text);
  const cgroup = place && makeCgroup(caller, place, bundle.config, undo);
  if (cgroup) recordCgroup(reserved, cgroup.directory);
  else delete record.cgroup;
  using opened = new DisposableStack();
  if (cgroup) opened.defer(() => closeSync(cgroup.fd));
  const listener = listenAt(startSocket(directory));
  opened.defer(() => closeDescriptor(listener));
  const notifyDirectory = managerSocket(caller) && creation.rootfs && makeNotifyDirectory(directory);
  const host = new CreateHost(creation, options, reserved, { listener, cgroup, notifyDirectory, unit });
  const { init, program } = createInit(creation, host);
  record.program = program.operations.map((operation) => {
    const { doing, ignored, property } = operation;
    return { doing, ignored, property, executes: executedBy(operation) };
  });
  checkWanted();
  // Recorded as created before init is left alone. Until the last program is sent, init exits when this process dies: it
  // reads end of file. After that it would stay, and nobody would know of it.
  delete record.creator;
  rewriteRecord(directory, record);
  step(`leave init ${init.stub.pid} waiting for start`, 'start');
  init.stub.leave(program);
  if (options.pidFile) writePidFile(options.pidFile, init.stub.pid);
  if (options.pidfdSocket) sendPidfd(options.pidfdSocket, init.stub.pid, 'standard');
  return { record, source: bundle.source, terminal: host.terminal };
}

/** What is known of a container before anything is done. */
function newRecord(
  { caller, bundle, namespaces }: Creation,
  { id, noNewKeyring }: CreateOptions,
): ContainerRecord {
  const { config, path, rootfs } = bundle;
  // The mount namespace comes first: more containers join the pid namespace of another than its mount namespace.
  const ownNamespace = (['mount', 'pid'] as const).find((type) => namespaces.create.has(type));
  return {
    ociVersion: config.ociVersion,
    id,
    bundle: path,
    rootfs,
    created: new Date().toISOString(),
    owner: caller.uid,
    creator: identify(caller.pid),
    ...(config.annotations && { annotations: config.annotations }),
    ...(config.hooks && { hooks: laterHooks(config.hooks) }),
    startable: config.process !== undefined,
    keyring: !noNewKeyring,
    ...(ownNamespace && { ownNamespace }),
  };
}

function laterHooks({ startContainer, poststart, poststop }: Hooks): NonNullable<ContainerRecord['hooks']> {
  return {
    ...(startContainer && { startContainer }),
    ...(poststart && { poststart }),
    ...(poststop && { poststop }),
  };
}

function writeNew(path: string, text: string): void {
  step(`write ${path}`);
  try {
    writeFileSync(path, text, { mode: 0o600 });
  } catch (error) {
    throw TsociError.from(`write ${path}`, error);
  }
}
