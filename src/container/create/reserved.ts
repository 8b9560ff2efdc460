// A new container in the state directory: its id, its lock, its record, and how all that is taken back.

import { closeSync, readlinkSync, writeFileSync } from 'node:fs';
import type { Hooks } from '../../config/generated/types.ts';
import { messageOf, TsociError } from '../../linux/errors.ts';
import { discardEmptyDirectory } from '../../linux/files.ts';
import { identify } from '../../linux/procfs.ts';
import { step } from '../../linux/steps.ts';
import { undoable } from '../../linux/undo.ts';
import { lockContainer } from '../state/lock.ts';
import type { ContainerRecord } from '../state/record.ts';
import {
  existsAlready,
  hasRecord,
  removeDirectory,
  reserve,
  savedConfig,
  writeRecord,
} from '../state/store.ts';
import { type CgroupPlace, planCgroup } from './cgroup.ts';
import type { Reserved } from './create-host.ts';
import type { Creation } from './creation.ts';
import type { CreateOptions } from './options.ts';
import { runPoststop } from './poststop.ts';
import type { UnitPlan } from './systemd-scope.ts';

/** Makes the directory of a container and does `body` with it. If that fails, all is taken back. */
export function withReserved<T>(
  creation: Creation,
  options: CreateOptions,
  { doing, body }: { doing: string; body: (reserved: Reserved) => T },
): T {
  const { caller } = creation;
  const directory = reserve(options.root, options.id);
  const lockFd = lockReserved(directory, options.id);
  try {
    const record = newRecord(creation, options);
    return undoable(
      (undo) => {
        const reserved = { record, directory, undo, hooked: false };
        takeBackLater(creation, reserved);
        return body(reserved);
      },
      (error) => caller.warn(`clean up after a failed ${doing}: ${messageOf(error)}`),
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

/**
 * A failed hook ends the container, which then has its poststop hooks (runtime.md#lifecycle, steps 3 to 5). So has one that
 * fails later: what its hooks have made must be taken back. Hooks take a launcher: where it was killed, those of poststop
 * and the record are left to `delete`.
 */
function takeBackLater({ caller }: Creation, reserved: Reserved): void {
  const { record, directory, undo } = reserved;
  const leftToDelete = () =>
    reserved.hooked && record.hooks?.poststop !== undefined && !caller.launcher.alive;
  undo.defer(() => {
    if (reserved.hooked && !leftToDelete()) runPoststop(caller, record);
  });
  undo.defer(() => {
    if (!leftToDelete()) removeDirectory(directory);
  });
}

/** Where its cgroup goes. That and the record are written: from here on `delete` cleans up, also when this process is killed. */
export function planPlace(
  { caller, bundle, modules }: Creation,
  options: CreateOptions,
  { record, directory }: Reserved,
): { place: CgroupPlace | undefined; unit: UnitPlan | undefined } {
  const place = planCgroup(caller, options, bundle.config);
  const unit = modules.systemd?.planUnit(caller, options.id, bundle.config);
  if (place) record.cgroup = place.directory;
  if (modules.systemd && unit) record.unit = modules.systemd.markUnit(unit, directory);
  writeRecord(directory, record);
  writeNew(savedConfig(directory), bundle.text);
  return { place, unit };
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
    stdio: caller.stdio.map(nameOfStream),
    startable: config.process !== undefined,
    keyring: !noNewKeyring,
    ...(ownNamespace && { ownNamespace }),
  };
}

/** What a descriptor of ours is of: "pipe:[4711]", a path, … */
function nameOfStream(fd: number): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
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
