// runtime.md#query-state, with the fields that runc adds.

import type { ContainerRecord, Status } from './record.ts';
import { containerDirectory, containerIds, currentStatus, readRecord, tryReadRecord } from './store.ts';

export interface OciState {
  ociVersion: string;
  id: string;
  /** 0 when there is no process. */
  pid: number;
  status: Status;
  bundle: string;
  rootfs: string;
  created: string;
  /** The uid of who created it; `list` shows the name. */
  owner: number;
  annotations?: Record<string, string>;
}

export function containerState(root: string, id: string): OciState {
  return toState(readRecord(root, id), containerDirectory(root, id));
}

/** All containers but those that `create` has only begun to make. `unreadable` is told of those that cannot be read. */
export function listContainers(
  root: string,
  { mustExist = false, unreadable }: { mustExist?: boolean; unreadable?: (error: unknown) => void } = {},
): OciState[] {
  return containerIds(root, { mustExist }).flatMap((id) => {
    try {
      const directory = containerDirectory(root, id);
      const record = tryReadRecord(directory);
      return record ? [toState(record, directory)] : [];
    } catch (error) {
      unreadable?.(error);
      return [];
    }
  });
}

function toState(record: ContainerRecord, directory: string): OciState {
  const status = currentStatus(directory, record);
  const pid = status === 'stopped' ? 0 : (record.init?.pid ?? 0);
  return stateOf(record, status, pid);
}

/** The state as it is printed, and as hooks get it on their standard input. */
export function stateOf(record: ContainerRecord, status: Status, pid: number): OciState {
  const { ociVersion, id, bundle, rootfs, created, owner, annotations } = record;
  return { ociVersion, id, pid, status, bundle, rootfs, created, owner, ...(annotations && { annotations }) };
}
