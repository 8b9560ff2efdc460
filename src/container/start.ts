// runtime.md#start.

import { existsSync } from 'node:fs';
import type { Hooks } from '../config/generated/types.ts';
import { listOf } from '../config/variables.ts';
import { asRuntime, HookError, type HookSetting, runHooks } from '../hooks/hooks.ts';
import type { Caller } from '../launcher/caller.ts';
import { onceOnly } from '../linux/attempt.ts';
import { closeDescriptor } from '../linux/descriptor.ts';
import { TsociError } from '../linux/errors.ts';
import { discardFile } from '../linux/files.ts';
import type { ProcessIdentity } from '../linux/procfs.ts';
import { stubObserver, stubStepper } from '../stub/observer.ts';
import { destroy, killAndWait, systemdFor } from './delete.ts';
import { connectToInit, failureOf, sendGo } from './init/wait-for-start.ts';
import { managerSocket, NotifySocket, notifyDirectoryOf } from './notify-socket.ts';
import { withLock } from './state/lock.ts';
import { stateOf } from './state/oci-state.ts';
import type { ContainerRecord } from './state/record.ts';
import { containerDirectory, currentStatus, readRecord, startSocket, tryReadRecord } from './state/store.ts';

export interface StartOptions {
  root: string;
  id: string;
  /** Leave it to the caller to wait for what the process has to tell. */
  attended?: boolean;
}

/** Starts a container. The result, with `attended` and NOTIFY_SOCKET, is what its process tells that it is ready. */
export async function startContainer(
  caller: Caller,
  { root, id, attended = false }: StartOptions,
): Promise<NotifySocket | undefined> {
  const found = tryReadRecord(containerDirectory(root, id));
  const systemd = await systemdFor(found);
  // Most containers have none, and do without what they need.
  const startHooks = found?.hooks?.startContainer && (await import('./start-hooks.ts'));
  const hooked = startHooks && (await startHooks.readHooked(root, id));
  const observer = stubObserver();
  const watch = observer && (await import('./init/left-program.ts')).watchInit;
  const stepper = stubStepper();
  const stepGo = stepper && (await import('./init/stepped-start.ts')).stepGo;
  const manager = managerSocket(caller);
  const { notify, init } = withLock(root, id, (directory) => {
    const record = readRecord(root, id);
    const status = currentStatus(directory, record);
    if (status !== 'created' || !record.init)
      throw new TsociError(`start ${id}: the container is ${status}, not created`);
    const { init } = record;
    if (!record.startable) throw new TsociError(`start ${id}: config.json has no process`);
    try {
      const traced = observer && watch ? () => watch(observer, init.pid, record.program ?? []) : undefined;
      const inside =
        hooked && startHooks?.asProcess(caller, startHooks.enterable(root, record, init, hooked));
      using opened = new DisposableStack();
      const told = notifyDirectoryOf(directory);
      const notify =
        manager && existsSync(told) ? opened.use(new NotifySocket(caller, manager, told)) : undefined;
      const send = (socket: number, control: number) =>
        stepper && stepGo
          ? stepGo(stepper, socket, { init, control, saved: record.program ?? [] })
          : sendGo(socket, init, control);
      onceOnly(() => startInit(caller, directory, { record, init, inside, send }, traced));
      opened.move();
      return { notify, init };
    } catch (error) {
      // runtime.md#lifecycle, steps 7 and 9: after a failed hook the container is stopped and destroyed.
      killAndWait(record);
      if (error instanceof HookError) destroy(caller, directory, record, systemd);
      throw error;
    }
  });
  if (attended) return notify;
  // The lock is not held: the process takes its time.
  using _notify = notify;
  notify?.waitUntilReady(init);
  return undefined;
}

function startInit(
  caller: Caller,
  directory: string,
  { record, init, inside, send }: InitToStart,
  traced: (() => (reply: Buffer) => void) | undefined,
): void {
  const socket = connectToInit(directory, record.id);
  const stateAs = (status: 'created' | 'running', pid: number) =>
    JSON.stringify(stateOf(record, status, pid));
  try {
    runStart(caller, record.hooks, {
      bundle: record.bundle,
      inside,
      created: stateAs('created', record.pidInside ?? init.pid),
      running: stateAs('running', init.pid),
      go: () => {
        const replied = traced?.();
        const reply = send(socket, record.control ?? 3);
        replied?.(reply);
        if (reply.length > 0) throw failureOf(reply, record.program ?? [], init.pid);
        // It is no error if this fails: a socket that stays does not make the status `created` (statusOf).
        discardFile(startSocket(directory));
      },
    });
  } finally {
    closeDescriptor(socket);
  }
}

interface InitToStart extends Pick<Starting, 'inside'> {
  record: ContainerRecord;
  init: ProcessIdentity;
  /** Has init go on; its reply. `control` is the number of its end of the socket. */
  send: (socket: number, control: number) => Buffer;
}

export interface Starting {
  bundle: string;
  /** Starts startContainer hooks, if there are any. */
  inside: HookSetting['start'] | undefined;
  /** The states that hooks are told, before and after the process has begun. */
  created: string;
  running: string;
  /** Has init execute the process. */
  go: () => void;
}

/** runtime.md#lifecycle, steps 7 to 9. */
export function runStart(
  caller: Caller,
  hooks: Pick<Hooks, 'startContainer' | 'poststart'> | undefined,
  { bundle, inside, created, running, go }: Starting,
): void {
  // startContainer hooks are programs of the image, and get nothing of the host.
  if (inside) runHooks('startContainer', hooks?.startContainer, { state: created, start: inside });
  go();
  const start = asRuntime({ launcher: caller.launcher, env: listOf(caller.env), cwd: bundle });
  runHooks('poststart', hooks?.poststart, { state: running, start });
}
