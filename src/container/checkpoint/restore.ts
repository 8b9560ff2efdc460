// restore: a container made of a bundle and of the images of a checkpoint. It runs when it is there: nothing is left to start.

import { relative } from 'node:path';
import { findHierarchy } from '../../cgroups/hierarchy.ts';
import { Criu } from '../../criu/criu.ts';
import { criuEnvironment, findCriu, networkLock } from '../../criu/find-criu.ts';
import type { CriuOptions } from '../../criu/messages.ts';
import type { Caller } from '../../launcher/caller.ts';
import { TsociError } from '../../linux/errors.ts';
import { removeEmptyDirectory } from '../../linux/files.ts';
import { step } from '../../linux/steps.ts';
import { checkWanted } from '../../linux/wanted.ts';
import { closeNamespaces, openNamespaces } from '../../namespaces/join.ts';
import { explainingConfig } from '../create/config-failure.ts';
import type { Reserved } from '../create/create-host.ts';
import { type Creation, prepareCreation } from '../create/creation.ts';
import { writePidFile } from '../create/pid-file.ts';
import { withReserved } from '../create/reserved.ts';
import { systemdFor } from '../delete.ts';
import { checkConsole } from '../init/console-socket.ts';
import { makeNotifyDirectory, NOTIFY_DIRECTORY } from '../notify-socket.ts';
import { attendContainer } from '../run.ts';
import { checkId } from '../state/store.ts';
import { openContainerIds, reopenIn } from './directories-for-criu.ts';
import { sourcesOf } from './external-mounts.ts';
import { checkSuccess, type Directories, type Images, openImages, readDescriptors } from './images.ts';
import { joinedNamespaces } from './namespaces.ts';
import { commonOptions, idleLimit, type RestoreOptions } from './options.ts';
import { makeSurroundings, type Restoring, restoring } from './restoring.ts';
import { makeRootPlace, mountForCriu } from './root-for-criu.ts';

/** Restores a container; the exit status of its process, or 0 with `detach`. */
export async function restoreContainer(caller: Caller, options: RestoreOptions): Promise<number> {
  const { root, id, detach, consoleSocket } = options;
  checkId(id);
  if (caller.uid !== 0) throw new TsociError('restore needs root: criu does');
  step(`restore container ${id} of bundle ${options.bundle} from ${options.imagePath}`);
  const program = findCriu(caller, options.criu);
  const creation = await prepareCreation(caller, options);
  const { config, source } = creation.bundle;
  const keepTerminal = !detach && !consoleSocket;
  checkConsole(config.process?.terminal ?? false, { consoleSocket, keepTerminal });
  if (!detach) caller.signals.hold();
  checkWanted();
  const { record, terminal } = withReserved(creation, options, {
    doing: 'restore',
    body: (reserved) =>
      explainingConfig(caller, source, () => restoreReserved(program, { creation, options, reserved })),
  });
  if (detach || !record.init) return 0;
  const systemd = await systemdFor(record);
  return attendContainer(caller, { root, record, keep: false, systemd }, { terminal });
}

/** The container's record, and the master of its terminal unless that was sent away. */
interface Restored {
  record: Reserved['record'];
  terminal: number | undefined;
}

function restoreReserved(
  program: string,
  given: { creation: Creation; options: RestoreOptions; reserved: Reserved },
): Restored {
  const { creation, options, reserved } = given;
  const { caller, bundle } = creation;
  const { record, directory, undo } = reserved;
  using surroundings = makeSurroundings(given);
  using opened = new DisposableStack();
  const images = opened.use(openImages(options, 'restore.log', { make: false }));
  const namespaces = openNamespaces(creation.namespaces, bundle.config);
  opened.defer(() => closeNamespaces(namespaces));
  const place = makeRootPlace(directory);
  opened.defer(() => removeEmptyDirectory(place));
  const ids = openContainerIds(creation, options.imagePath);
  opened.defer(() => ids?.close());
  const course = restoring(given, surroundings);
  undo.defer(() => course.takeBack());
  let directories: Directories = images;
  const criu = opened.use(
    Criu.start({
      launcher: caller.launcher,
      program,
      env: criuEnvironment(caller),
      stdio: caller.stdio,
      inherited: namespaces.map(({ fd }) => fd),
      sameSession: options.shellJob,
      prepare: (stub) => {
        surroundings.takeIn(stub);
        mountForCriu(stub, { rootfs: bundle.rootfs, place, plan: creation.rootfs });
        directories = opened.use(reopenIn(stub, images, ids?.fds[0]));
      },
    }),
  );
  const opts = {
    ...restoreOptions(given, { ...images, ...directories }, place),
    ...joinedNamespaces(namespaces, criu.inherited),
  };
  opts.inherit_fd = [...opts.inherit_fd, ...inheritedPipes(options.imagePath)];
  checkSuccess(`restore ${record.id}`, images, () => {
    criu.checkVersion();
    if (options.lazyPages) criu.checkFeature('lazy_pages', '--lazy-pages');
    return criu.request({ type: 'RESTORE', opts, notified: course.notified, idle: idleLimit(options) });
  });
  // Nothing of criu is left when an engine reads the pid.
  criu[Symbol.dispose]();
  if (!record.init) throw new TsociError(`restore ${record.id}: criu has not told of the container's init`);
  if (options.pidFile) writePidFile(options.pidFile, record.init.pid);
  return { record, terminal: course.terminal() };
}

function restoreOptions(
  { creation, options, reserved }: Pick<Restoring, 'creation' | 'options' | 'reserved'>,
  images: Images,
  root: string,
): CriuOptions {
  const { record, directory } = reserved;
  const notify = { name: NOTIFY_DIRECTORY, source: makeNotifyDirectory(directory) };
  return {
    ...commonOptions(options, images, creation.bundle.config.annotations),
    root,
    // A child of the launcher, which whoever called us gets as its own.
    rst_sibling: true,
    evasive_devices: true,
    network_lock: networkLock(creation.caller),
    lsm_profile: options.lsmProfile,
    lsm_mount_context: options.lsmMountContext,
    ext_mnt: sourcesOf(creation.rootfs, notify),
    cg_root: record.cgroup === undefined ? [] : [{ ctrl: '', path: pathOf(record.cgroup) }],
  };
}

/** A cgroup's path in the hierarchy, which is what its processes were in becomes. */
function pathOf(cgroup: string): string {
  return `/${relative(findHierarchy()?.mountPoint ?? '/', cgroup)}`;
}

/** Pipes that were standard streams become the caller's. */
function inheritedPipes(imagePath: string): { key: string; fd: number }[] {
  return readDescriptors(imagePath).flatMap((key, fd) => (key.startsWith('pipe:') ? [{ key, fd }] : []));
}
