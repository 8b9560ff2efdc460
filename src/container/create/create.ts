// runtime.md#create: from a bundle to an init that waits for `start`.

import { closeSync, constants, openSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config, Hooks } from '../../config/generated/types.ts';
import type { Caller } from '../../linux/caller.ts';
import { SIGKILL } from '../../linux/constants.ts';
import { closeDescriptor } from '../../linux/descriptor.ts';
import { TsociError } from '../../linux/errors.ts';
import { syscall } from '../../linux/ffi.ts';
import { type ProcessIdentity, processStat } from '../../linux/procfs.ts';
import { SYS } from '../../linux/syscalls.ts';
import { listenAt } from '../../linux/unix-socket.ts';
import { reap } from '../../linux/wait.ts';
import type { StubProcess } from '../../stub/stub-process.ts';
import { checkConsole } from '../init/console-socket.ts';
import { makeInit } from '../init/make.ts';
import type { Init } from '../init/spawn.ts';
import { lock } from '../state/lock.ts';
import { stateOf } from '../state/oci-state.ts';
import type { ContainerRecord } from '../state/record.ts';
import {
  checkId,
  existsAlready,
  removeDirectory,
  reserve,
  savedConfig,
  savedProgram,
  startSocket,
  tryReadRecord,
  writeRecord,
} from '../state/store.ts';
import { type Bundle, type Prepared, prepareContainer } from './bundle.ts';
import { inodeOf, makeCgroup, planCgroup } from './cgroup.ts';
import type { Parts } from './parts.ts';
import { writePidFile } from './pid-file.ts';
import { runPoststop } from './poststop.ts';
import { Undo } from './undo.ts';

export interface CreateOptions {
  /** The state directory. */
  root: string;
  id: string;
  bundle: string;
  configFile?: string | undefined;
  pidFile?: string | undefined;
  consoleSocket?: string | undefined;
  /** Takes the master of the terminal in place of a console socket (`run` in the foreground). */
  takeTerminal?: ((master: number) => void) | undefined;
  /** How many descriptors from 3 on reach the process. */
  preserveFds: number;
  /** Whether a writable layer in memory lies over the root filesystem. */
  overlay: boolean;
  /** Hooks to add that attach the container to a bridge: the settings, and what runs tsoci. */
  network?: { spec: string; command: readonly [string, ...string[]] } | undefined;
  noPivot: boolean;
  noNewKeyring: boolean;
  systemdCgroup: boolean;
  cgroupManager: 'cgroupfs' | 'systemd' | 'disabled';
  /** Whether to do without what takes the rights of root on the host's cgroups; auto: if we have not got them. */
  rootless: 'true' | 'false' | 'auto';
}

/** Creates a container, or leaves everything as it was. */
export async function createContainer(caller: Caller, options: CreateOptions): Promise<ContainerRecord> {
  checkId(options.id);
  const prepared = await prepareContainer(caller, options);
  checkConsole(prepared.bundle.config.process?.terminal ?? false, options);
  const record = newRecord(caller, options, prepared.bundle);
  const undo = new Undo();
  const directory = reserve(options.root, options.id);
  const lockFd = lock(directory, options.id);
  const creation: Creation = { ...prepared, record, directory, undo, hooked: false };
  try {
    // A `delete` may have come before us, and after it another `create`, whose directory this is.
    if (tryReadRecord(directory)) throw existsAlready(options.id);
    undo.add(() => removeDirectory(directory));
    return createReserved(caller, options, creation);
  } catch (error) {
    undo.run((second) => caller.warn(`clean up after a failed create: ${String(second)}`));
    // runtime.md#lifecycle, steps 3 to 5: a failed hook ends the container. Whatever fails later, too: what hooks have
    // made must be taken back.
    if (creation.hooked) runPoststop(caller, record);
    throw error;
  } finally {
    closeSync(lockFd);
  }
}

/** What is known of a container before anything is done. */
function newRecord(
  caller: Caller,
  options: CreateOptions,
  { config, path, rootfs }: Bundle,
): ContainerRecord {
  return {
    ociVersion: config.ociVersion,
    id: options.id,
    bundle: path,
    rootfs,
    created: new Date().toISOString(),
    owner: caller.uid,
    creator: identify(caller.pid),
    ...(config.annotations && { annotations: config.annotations }),
    ...(config.hooks && { hooks: laterHooks(config.hooks) }),
    startable: config.process !== undefined,
    keyring: !options.noNewKeyring,
  };
}

interface Creation extends Prepared {
  record: ContainerRecord;
  directory: string;
  undo: Undo;
  /** Whether hooks were begun. */
  hooked: boolean;
}

function createReserved(caller: Caller, options: CreateOptions, creation: Creation): ContainerRecord {
  const { record, bundle, parts, directory, undo } = creation;
  const { config } = bundle;
  const place = planCgroup(caller, options, config);
  const plan = parts.scope?.planUnit(caller, options.id, config);
  if (place) record.cgroup = place.directory;
  if (parts.scope && plan) record.unit = parts.scope.markUnit(plan, directory);
  // From here on whoever finds the container, after a kill -9 of us too, knows what to clean up.
  writeRecord(directory, record);
  writeNew(savedConfig(directory), bundle.text);
  const cgroup = place && makeCgroup(caller, place, config, undo);
  if (cgroup) recordCgroup(creation, cgroup.directory);
  else delete record.cgroup;
  using opened = new DisposableStack();
  if (cgroup) opened.defer(() => closeSync(cgroup.fd));
  const listener = listenAt(startSocket(directory));
  opened.defer(() => closeDescriptor(listener));
  const { init, program } = makeInit(caller, options, creation, {
    root: options.root,
    listener,
    cgroup,
    cloned: (pid) => {
      if (!parts.scope || !plan || !record.unit) return undefined;
      const placed = parts.scope.placeInit(caller, plan, record.unit, config, pid, undo);
      recordCgroup(creation, placed);
      return placed;
    },
    spawned: (spawned) => adoptInit(creation, spawned),
    hooking: ({ stub }) => {
      creation.hooked = true;
      return stateOf(record, 'creating', stub.pid);
    },
  });
  const operations = program.operations.map(({ doing, ignored, property }) => ({ doing, ignored, property }));
  writeNew(savedProgram(directory), JSON.stringify(operations));
  // An init that is recorded and not left with its program ends with us; one that nobody has recorded would stay.
  delete record.creator;
  writeRecord(directory, record);
  init.stub.leave(program);
  if (options.pidFile) writePidFile(resolve(caller.cwd, options.pidFile), init.stub.pid);
  return record;
}

/** From here on the cgroup is the container's, and what is in it. */
function recordCgroup({ record, directory }: Creation, cgroup: string): void {
  record.cgroup = cgroup;
  record.cgroupInode = inodeOf(cgroup);
  writeRecord(directory, record);
}

/** From here on a failed create ends init; what is the host's to do for it is done. */
function adoptInit({ record, parts, bundle, undo }: Creation, { stub, ...init }: Init): void {
  undo.add(() => killInit(stub));
  record.init = identify(stub.pid);
  record.control = stub.control;
  record.pidInside = init.pidInside;
  record.setgroupsDenied = init.setgroupsDenied;
  const { intelRdt } = bundle.config.linux ?? {};
  if (parts.intelRdt && intelRdt) {
    const { applyIntelRdt, findResctrl, removeIntelRdt } = parts.intelRdt;
    const groups = applyIntelRdt(intelRdt, { id: record.id, pid: stub.pid, resctrl: findResctrl() });
    undo.add(() => removeIntelRdt(groups));
    record.intelRdt = groups;
  }
  if (parts.netDevices) moveDevices(parts.netDevices, bundle.config, stub.pid);
}

/** config-linux.md#network-devices. */
function moveDevices(
  { moveNetDevices }: NonNullable<Parts['netDevices']>,
  config: Config,
  pid: number,
): void {
  const namespace = openSync(`/proc/${pid}/ns/net`, constants.O_RDONLY);
  try {
    moveNetDevices(config.linux?.netDevices, namespace);
  } finally {
    closeSync(namespace);
  }
}

function laterHooks({ startContainer, poststart, poststop }: Hooks): NonNullable<ContainerRecord['hooks']> {
  return {
    ...(startContainer && { startContainer }),
    ...(poststart && { poststart }),
    ...(poststop && { poststop }),
  };
}

/** The process as it is now. */
function identify(pid: number): ProcessIdentity {
  return { pid, startTime: processStat(pid)?.startTime ?? 0 };
}

function killInit(stub: StubProcess): void {
  stub.disconnect();
  syscall(SYS.kill, stub.pid, SIGKILL);
  reap(stub.pid);
}

function writeNew(path: string, text: string): void {
  try {
    writeFileSync(path, text, { mode: 0o600 });
  } catch (error) {
    throw TsociError.from(`write ${path}`, error);
  }
}
