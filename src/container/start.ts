// runtime.md#start.

import type { Hooks } from '../config/generated/types.ts';
import { HookError, type HookSetting, runHooks } from '../hooks/hooks.ts';
import type { Caller } from '../linux/caller.ts';
import { closeDescriptor } from '../linux/descriptor.ts';
import { TsociError } from '../linux/errors.ts';
import { discardFile } from '../linux/files.ts';
import type { ProcessIdentity } from '../linux/procfs.ts';
import { enterNamespaces } from '../namespaces/enter.ts';
import { stubObserver } from '../stub/observer.ts';
import { destroy, killAndWait, systemdFor } from './delete.ts';
import { connectToInit, failureOf, sendGo } from './init/wait-for-start.ts';
import { withLock } from './state/lock.ts';
import { stateOf } from './state/oci-state.ts';
import type { ContainerRecord } from './state/record.ts';
import { containerDirectory, currentStatus, readRecord, startSocket, tryReadRecord } from './state/store.ts';

export interface StartOptions {
  root: string;
  id: string;
}

export async function startContainer(caller: Caller, { root, id }: StartOptions): Promise<void> {
  const systemd = await systemdFor(tryReadRecord(containerDirectory(root, id)));
  const observer = stubObserver();
  const watch = observer && (await import('./init/left-program.ts')).watchInit;
  withLock(root, id, (directory) => {
    const record = readRecord(root, id);
    const status = currentStatus(directory, record);
    if (status !== 'created' || !record.init)
      throw new TsociError(`start ${id}: the container is ${status}, not created`);
    if (!record.startable) throw new TsociError(`start ${id}: config.json has no process`);
    try {
      const { pid } = record.init;
      const traced = observer && watch ? () => watch(observer, pid, directory) : undefined;
      startInit(caller, directory, record, record.init, traced);
    } catch (error) {
      // runtime.md#lifecycle, steps 7 and 9: after a failed hook the container is stopped and destroyed.
      killAndWait(record);
      if (error instanceof HookError) destroy(caller, directory, record, systemd);
      throw error;
    }
  });
}

function startInit(
  caller: Caller,
  directory: string,
  record: ContainerRecord,
  init: ProcessIdentity,
  traced: (() => (reply: Buffer) => void) | undefined,
): void {
  const socket = connectToInit(directory, record.id);
  const stateAs = (status: 'created' | 'running', pid: number) =>
    JSON.stringify(stateOf(record, status, pid));
  try {
    runStart(record.hooks, {
      stdout: caller.stdio[1],
      stderr: caller.stdio[2],
      bundle: record.bundle,
      created: stateAs('created', record.pidInside ?? init.pid),
      running: stateAs('running', init.pid),
      enter: (stdio, property) => enterNamespaces(init, { stdio, role: 'hook', property }),
      go: () => {
        const replied = traced?.();
        const reply = sendGo(socket, record.control ?? 3);
        replied?.(reply);
        if (reply.length > 0) throw failureOf(reply, directory);
        // The process runs, whatever becomes of the socket: the status goes by both.
        discardFile(startSocket(directory));
      },
    });
  } finally {
    closeDescriptor(socket);
  }
}

export interface Starting extends Required<Pick<HookSetting, 'stdout' | 'stderr' | 'enter'>> {
  bundle: string;
  /** The states that hooks are told, before and after the process has begun. */
  created: string;
  running: string;
  /** Has init execute the process. */
  go: () => void;
}

/** runtime.md#lifecycle, steps 7 to 9. */
export function runStart(
  hooks: Pick<Hooks, 'startContainer' | 'poststart'> | undefined,
  { stdout, stderr, bundle, created, running, enter, go }: Starting,
): void {
  runHooks('startContainer', hooks?.startContainer, { stdout, stderr, state: created, enter });
  go();
  runHooks('poststart', hooks?.poststart, { stdout, stderr, state: running, cwd: bundle });
}
