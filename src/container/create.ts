// runtime.md#create: from a bundle to an init that waits for `start`.

import { closeSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Hooks } from '../config/generated/types.ts';
import { runHooks } from '../hooks/hooks.ts';
import type { Caller } from '../linux/caller.ts';
import { SIGKILL } from '../linux/constants.ts';
import { closeDescriptor } from '../linux/descriptor.ts';
import { TsociError } from '../linux/errors.ts';
import { syscall } from '../linux/ffi.ts';
import { processStat } from '../linux/procfs.ts';
import { SYS } from '../linux/syscalls.ts';
import { reap } from '../linux/wait.ts';
import { isolates, planNamespaces } from '../namespaces/plan.ts';
import { buildRootfs, type HostTrees } from '../rootfs/build.ts';
import type { StubProcess } from '../stub/process.ts';
import { makeCgroup, planCgroup } from './cgroup.ts';
import { checkConsole } from './console.ts';
import { finishInit } from './finish.ts';
import { inheritedDescriptors, planRoot, spawnInit } from './init.ts';
import { lock } from './lock.ts';
import { writePidFile } from './pid-file.ts';
import { type Bundle, loadBundle } from './prepare.ts';
import type { ContainerRecord, ProcessIdentity } from './record.ts';
import { listenAt } from './socket.ts';
import { stateOf } from './state.ts';
import {
  checkId,
  removeDirectory,
  reserve,
  savedConfig,
  savedProgram,
  startSocket,
  writeRecord,
} from './store.ts';
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
  noPivot: boolean;
  noNewKeyring: boolean;
  systemdCgroup: boolean;
  cgroupManager: 'cgroupfs' | 'systemd' | 'disabled';
}

/** Creates a container, or leaves everything as it was. */
export function createContainer(caller: Caller, options: CreateOptions): ContainerRecord {
  checkId(options.id);
  const bundle = loadBundle(caller, options.bundle, options.configFile);
  checkConsole(bundle.config.process?.terminal ?? false, options);
  const undo = new Undo();
  const directory = reserve(options.root, options.id);
  undo.add(() => removeDirectory(directory));
  const lockFd = lock(directory, options.id);
  try {
    return createReserved(caller, options, bundle, directory, undo);
  } catch (error) {
    undo.run((second) => caller.warn(`clean up after a failed create: ${String(second)}`));
    throw error;
  } finally {
    closeSync(lockFd);
  }
}

function createReserved(
  caller: Caller,
  options: CreateOptions,
  bundle: Bundle,
  directory: string,
  undo: Undo,
): ContainerRecord {
  const { config } = bundle;
  const place = planCgroup(options, config);
  const record: ContainerRecord = {
    ociVersion: config.ociVersion,
    id: options.id,
    bundle: bundle.path,
    rootfs: bundle.rootfs,
    created: new Date().toISOString(),
    owner: caller.uid,
    creator: identify(caller.pid),
    ...(config.annotations && { annotations: config.annotations }),
    ...(place && { cgroup: place.directory }),
    ...(config.hooks && { hooks: laterHooks(config.hooks) }),
    startable: config.process !== undefined,
    keyring: !options.noNewKeyring,
  };
  // From here on whoever finds the container, after a kill -9 of us too, knows what to clean up.
  writeRecord(directory, record);
  writeNew(savedConfig(directory), bundle.text);
  const cgroup = place && makeCgroup(caller, place, config, undo);
  if (!cgroup) delete record.cgroup;
  const inherited = inheritedDescriptors(caller, options.preserveFds);
  const listener = listenAt(startSocket(directory));
  try {
    const namespaces = planNamespaces(config.linux?.namespaces ?? []);
    const root = isolates(namespaces, 'mount') ? planRoot(caller, bundle) : undefined;
    let trees: HostTrees | undefined;
    const init = spawnInit(
      caller,
      { ...options, inherited },
      config,
      { listener, cgroup: cgroup?.fd },
      (boot) => {
        trees = root?.open(boot);
      },
    );
    undo.add(() => killInit(init.stub));
    record.init = identify(init.stub.pid);
    record.control = init.stub.control;
    record.setgroupsDenied = init.setgroupsDenied;
    const built = root && { plan: root.plan, context: buildRootfs(init.stub, root.plan, trees) };
    const state = JSON.stringify(stateOf(record, 'creating', init.stub.pid));
    const hooks = { state, stdout: caller.stdio[1], stderr: caller.stdio[2] };
    runHooks('prestart', config.hooks?.prestart, hooks);
    runHooks('createRuntime', config.hooks?.createRuntime, hooks);
    const program = finishInit(
      caller,
      { ...options, listenFds: inherited.listenFds },
      bundle,
      init,
      built,
      hooks,
    );
    const operations = program.operations.map(({ doing, ignored }) => ({ doing, ignored }));
    writeNew(savedProgram(directory), JSON.stringify(operations));
    if (options.pidFile) writePidFile(resolve(caller.cwd, options.pidFile), init.stub.pid);
    init.stub.leave(program);
    delete record.creator;
    writeRecord(directory, record);
    return record;
  } finally {
    closeDescriptor(listener);
    if (cgroup) closeSync(cgroup.fd);
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
