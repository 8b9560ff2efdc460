// runtime.md#create: from a bundle to an init that waits for `start`. What happens to init is in init/sequence.ts.

import { closeSync } from 'node:fs';
import type { Caller } from '../../launcher/caller.ts';
import { attempt, attemptAsync, onceOnly } from '../../linux/attempt.ts';
import { closeDescriptor } from '../../linux/descriptor.ts';
import { step } from '../../linux/steps.ts';
import { listenAt } from '../../linux/unix-socket.ts';
import { checkCaller, checkWanted } from '../../linux/wanted.ts';
import { executedBy } from '../../stub/program.ts';
import { checkConsole } from '../init/console-socket.ts';
import { createInit } from '../init/sequence.ts';
import { makeNotifyDirectory, managerSocket } from '../notify-socket.ts';
import type { ContainerRecord } from '../state/record.ts';
import { checkId, rewriteRecord, startSocket } from '../state/store.ts';
import { makeCgroup } from './cgroup.ts';
import { type ConfigSource, explainingConfig } from './config-failure.ts';
import { CreateHost, type Reserved, recordCgroup } from './create-host.ts';
import { type Creation, type Prepared, prepareCreation } from './creation.ts';
import type { CreateOptions } from './options.ts';
import { writePidFile } from './pid-file.ts';
import { sendPidfd } from './pidfd-socket.ts';
import { planPlace, withReserved } from './reserved.ts';

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
  explainingConfig(caller, source, () =>
    onceOnly(() => checkConsole(config.process?.terminal ?? false, options)),
  );
  // It may have been killed while we started.
  checkCaller();
  return withReserved(creation, options, {
    doing: 'create',
    body: (reserved) =>
      explainingConfig(caller, source, () => onceOnly(() => createReserved(creation, options, reserved))),
  });
}

function createReserved(creation: Creation, options: CreateOptions, reserved: Reserved): Created {
  const { caller, bundle } = creation;
  const { record, directory, undo } = reserved;
  const { place, unit } = planPlace(creation, options, reserved);
  const cgroup = place && attempt(undefined, () => makeCgroup(caller, place, bundle.config, undo));
  using opened = new DisposableStack();
  if (cgroup) opened.defer(() => closeSync(cgroup.fd));
  if (cgroup) recordCgroup(reserved, cgroup.directory);
  else delete record.cgroup;
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
