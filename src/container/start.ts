// runtime.md#start.

import { existsSync } from 'node:fs';
import type { Hooks, Process } from '../config/generated/types.ts';
import { listOf } from '../config/variables.ts';
import { HookError, type HookSetting, runHooks } from '../hooks/hooks.ts';
import type { Caller } from '../linux/caller.ts';
import { closeDescriptor } from '../linux/descriptor.ts';
import { TsociError } from '../linux/errors.ts';
import { discardFile } from '../linux/files.ts';
import type { ProcessIdentity } from '../linux/procfs.ts';
import { enterNamespaces } from '../namespaces/enter.ts';
import { stubObserver } from '../stub/observer.ts';
import type { StubProcess } from '../stub/stub-process.ts';
import { destroy, killAndWait, systemdFor } from './delete.ts';
import { environment } from './init/environment.ts';
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
  // Only startContainer hooks need to know the process.
  const saved = found?.hooks?.startContainer && (await import('./state/saved.ts'));
  const observer = stubObserver();
  const watch = observer && (await import('./init/left-program.ts')).watchInit;
  const manager = managerSocket(caller);
  const { notify, init } = withLock(root, id, (directory) => {
    const record = readRecord(root, id);
    const status = currentStatus(directory, record);
    if (status !== 'created' || !record.init)
      throw new TsociError(`start ${id}: the container is ${status}, not created`);
    const { init } = record;
    if (!record.startable) throw new TsociError(`start ${id}: config.json has no process`);
    try {
      const traced = observer && watch ? () => watch(observer, init.pid, directory) : undefined;
      const process = saved?.readSavedConfig(directory).process;
      using opened = new DisposableStack();
      const told = notifyDirectoryOf(directory);
      const notify =
        manager && existsSync(told) ? opened.use(new NotifySocket(caller, manager, told)) : undefined;
      startInit(caller, directory, { record, init, process }, traced);
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
  notify?.waitUntilReady(init);
  return undefined;
}

function startInit(
  caller: Caller,
  directory: string,
  { record, init, process }: { record: ContainerRecord; init: ProcessIdentity; process: Process | undefined },
  traced: (() => (reply: Buffer) => void) | undefined,
): void {
  const socket = connectToInit(directory, record.id);
  const stateAs = (status: 'created' | 'running', pid: number) =>
    JSON.stringify(stateOf(record, status, pid));
  try {
    runStart(caller, record.hooks, {
      bundle: record.bundle,
      process,
      created: stateAs('created', record.pidInside ?? init.pid),
      running: stateAs('running', init.pid),
      enter: (stdio, property) => enterNamespaces(init, { stdio, role: 'hook', property }),
      go: () => {
        const replied = traced?.();
        const reply = sendGo(socket, record.control ?? 3);
        replied?.(reply);
        if (reply.length > 0) throw failureOf(reply, directory, init.pid);
        // It is no error if this fails: a socket that stays does not make the status `created` (statusOf).
        discardFile(startSocket(directory));
      },
    });
  } finally {
    closeDescriptor(socket);
  }
}

export interface Starting extends Required<Pick<HookSetting, 'enter'>> {
  bundle: string;
  /** The process of the config, if there are startContainer hooks. */
  process: Process | undefined;
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
  { bundle, process, created, running, enter, go }: Starting,
): void {
  // startContainer hooks are programs of the image: they get the environment of the process, and none of the host's.
  const inside = (stub: StubProcess) => environment(stub, process?.env ?? [], process?.user?.uid ?? 0);
  runHooks('startContainer', hooks?.startContainer, { state: created, env: inside, enter });
  go();
  runHooks('poststart', hooks?.poststart, { state: running, env: () => listOf(caller.env), cwd: bundle });
}
