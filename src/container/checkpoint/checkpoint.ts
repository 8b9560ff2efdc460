// checkpoint: the processes of a container, with their memory and all that they have open, as files (CRIU).

import { closeSync, existsSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../config/generated/types.ts';
import { Criu } from '../../criu/criu.ts';
import { criuEnvironment, findCriu, networkLock } from '../../criu/find-criu.ts';
import type { CriuOptions } from '../../criu/messages.ts';
import type { Caller } from '../../launcher/caller.ts';
import { TsociError } from '../../linux/errors.ts';
import type { ProcessIdentity } from '../../linux/procfs.ts';
import { step } from '../../linux/steps.ts';
import { undoable } from '../../linux/undo.ts';
import { planNamespaces } from '../../namespaces/namespace-plan.ts';
import { ownCgroup } from '../create/cgroup.ts';
import { destroy, killAndWait, systemdFor } from '../delete.ts';
import { NOTIFY_DIRECTORY, notifyDirectoryOf } from '../notify-socket.ts';
import { withLock } from '../state/lock.ts';
import type { ContainerRecord } from '../state/record.ts';
import { readSavedConfig } from '../state/saved.ts';
import { containerDirectory, currentStatus, readRecord, startSocket, tryReadRecord } from '../state/store.ts';
import { ContainerRoot } from './container-root.ts';
import { externalMounts } from './external-mounts.ts';
import { checkSuccess, discardImages, type Images, namesIn, openImages, writeDescriptors } from './images.ts';
import { externalNamespaces } from './namespaces.ts';
import { type CheckpointOptions, commonOptions, idleLimit } from './options.ts';
import { openStatus, tellReady } from './status-fd.ts';

/** A container that has been checkpointed is gone, as with runc and crun, unless it is to go on. */
export async function checkpointContainer(caller: Caller, options: CheckpointOptions): Promise<void> {
  const { root, id, leaveRunning, preDump } = options;
  if (caller.uid !== 0) throw new TsociError('checkpoint needs root: criu does');
  const found = tryReadRecord(containerDirectory(root, id));
  const systemd = await systemdFor(found);
  withLock(root, id, (directory) => {
    const record = readRecord(root, id);
    const init = checkpointable(directory, record);
    dump(caller, options, { directory, record, init });
    if (leaveRunning || preDump) return;
    killAndWait(record);
    destroy(caller, directory, record, systemd);
  });
}

interface Running {
  directory: string;
  record: ContainerRecord;
  init: ProcessIdentity;
}

/** Its init, if it has one that runs its program. */
function checkpointable(directory: string, record: ContainerRecord): ProcessIdentity {
  const { id, init } = record;
  const status = currentStatus(directory, record);
  // One that is paused may still wait for `start`.
  const waits = status === 'created' || (status === 'paused' && existsSync(startSocket(directory)));
  if (waits)
    throw new TsociError(`checkpoint ${id}: the container waits for start, so there is nothing to keep`);
  if (!init || (status !== 'running' && status !== 'paused'))
    throw new TsociError(`checkpoint ${id}: the container is ${status}, not running`);
  refuseOverlay(record, init);
  return init;
}

/** What was written is in memory, in a mount of the container's own, which criu takes for the root filesystem of the bundle. */
function refuseOverlay({ id, rootfs }: ContainerRecord, { pid }: ProcessIdentity): void {
  using root = new ContainerRoot(pid);
  const [there, here] = [root.stat('/'), statSync(rootfs, { throwIfNoEntry: false })];
  if (there?.ino === here?.ino && there?.dev === here?.dev) return;
  throw new TsociError(
    `checkpoint ${id}: its root is not ${rootfs}: the layer of --overlay is no part of a checkpoint`,
  );
}

function dump(caller: Caller, options: CheckpointOptions, running: Running): void {
  const { imagePath, parentPath, preDump, lazyPages, statusFd } = options;
  const { record } = running;
  const doing = `${preDump ? 'pre-dump' : 'checkpoint'} ${record.id}`;
  step(`${doing} to ${imagePath}`);
  const program = findCriu(caller, options.criu);
  const before = namesIn(imagePath);
  undoable((undo) => {
    undo.defer(() => discardImages(imagePath, before));
    using images = openImages(options, 'dump.log', { make: true });
    if (parentPath !== undefined) checkParent(imagePath, parentPath);
    using status = statusFd === undefined ? undefined : openStatus(caller, statusFd);
    const opts = dumpOptions(caller, options, images, running);
    if (!preDump) writeDescriptors(imagePath, record.stdio ?? []);
    using opened = new DisposableStack();
    const nowhere = opened.adopt(openSync('/dev/null', 'r+'), closeSync);
    using criu = Criu.start({
      launcher: caller.launcher,
      program,
      env: criuEnvironment(caller),
      stdio: [nowhere, nowhere, nowhere],
      sameSession: false,
    });
    checkSuccess(doing, images, () => {
      criu.checkVersion();
      if (preDump) criu.checkFeature('mem_track', '--pre-dump');
      if (lazyPages) criu.checkFeature('lazy_pages', '--lazy-pages');
      return criu.request({
        type: preDump ? 'SINGLE_PRE_DUMP' : 'DUMP',
        opts,
        notified: ({ script }) => {
          if (script === 'status-ready' && status) tellReady(status);
        },
        idle: idleLimit(options),
      });
    });
  });
}

function dumpOptions(
  caller: Caller,
  options: CheckpointOptions,
  images: Images,
  { directory, record, init }: Running,
): CriuOptions {
  const { parentPath, pageServer } = options;
  const config = readSavedConfig(directory);
  const own = ownCgroup(record);
  return {
    ...commonOptions(options, images, config.annotations),
    pid: init.pid,
    root: record.rootfs,
    leave_running: options.leaveRunning,
    network_lock: networkLock(caller),
    tcp_skip_in_flight: options.tcpSkipInFlight,
    ...(pageServer && { ps: pageServer }),
    ...(parentPath !== undefined && { parent_img: parentPath }),
    track_mem: parentPath !== undefined || options.preDump,
    // With the cgroup frozen no process is missed, and one that is paused can be dumped at all.
    ...(own !== undefined && { freeze_cgroup: own }),
    // cgroup v2, which has no name; what a process has of cgroup v1 is not the container's.
    cgroup_dump_controller: [''],
    external: externalNamespaces(planNamespaces(config.linux?.namespaces ?? []), init.pid),
    ext_mnt: options.preDump ? [] : mountsOf(directory, init, config),
  };
}

function mountsOf(directory: string, { pid }: ProcessIdentity, config: Config) {
  return externalMounts(pid, config, existsSync(notifyDirectoryOf(directory)) ? NOTIFY_DIRECTORY : undefined);
}

/** criu follows a link of that name in the images: a path that begins elsewhere would lead nowhere on another machine. */
function checkParent(imagePath: string, parentPath: string): void {
  const path = join(imagePath, parentPath);
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory())
    throw new TsociError(`--parent-path ${parentPath}: ${path} is no directory`);
}
