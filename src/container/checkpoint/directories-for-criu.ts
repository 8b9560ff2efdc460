// The directories of a checkpoint as criu needs them to restore: in its mount namespace, and readable for who is restored.

import { closeSync } from 'node:fs';
import {
  AT_FDCWD,
  MOUNT_ATTR_IDMAP,
  O_CLOEXEC,
  O_DIRECTORY,
  O_RDONLY,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from '../../linux/constants.ts';
import { EINVAL, EPERM } from '../../linux/errno.ts';
import { type IdmapNamespaces, openIdmapNamespaces } from '../../namespaces/idmap.ts';
import { setAttributes } from '../../rootfs/context.ts';
import type { Program } from '../../stub/program.ts';
import type { StubProcess } from '../../stub/stub-process.ts';
import type { Creation } from '../create/creation.ts';
import type { Directories, Images } from './images.ts';

const DIRECTORY = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

/**
 * Opens them once more, in the mount namespace that a stub is in: criu mounts on what it makes in the one of its log, and only
 * what is of its own mount namespace can be mounted on.
 */
export function reopenIn(
  stub: StubProcess,
  { imagePath, workPath = imagePath }: Images,
  idmap: number | undefined,
): Directories {
  const [mapping] = idmap === undefined ? [] : stub.giveDescriptors([idmap], 'receive a user namespace');
  const program = stub.program();
  const work = program.open('openat', [AT_FDCWD, workPath, DIRECTORY, 0], `open ${workPath}`);
  const images =
    mapping === undefined
      ? program.open('openat', [AT_FDCWD, imagePath, DIRECTORY, 0], `open ${imagePath}`)
      : openMapped(program, imagePath, mapping);
  stub.run(program);
  const [ourWork = -1, ourImages = -1] = stub.takeDescriptors([work, images], 'pass directories on');
  return {
    work: ourWork,
    images: ourImages,
    [Symbol.dispose]: () => {
      closeSync(ourWork);
      closeSync(ourImages);
    },
  };
}

/**
 * Processes of a user namespace open images themselves, and nobody but root of the host may search the directory. In a mount
 * with the ids of the container it is the container's root who may. Filesystems that cannot map ids stay as they are: then
 * the mode of the directory decides.
 */
function openMapped(program: Program, path: string, mapping: number): number {
  const doing = `open ${path} with the ids of the container`;
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
  const tree = program.open('open_tree', [AT_FDCWD, path, flags], doing);
  const attributes = { set: MOUNT_ATTR_IDMAP, usernsFd: mapping };
  setAttributes(program, tree, attributes, 0, doing, { ignored: [EINVAL, EPERM] });
  const directory = program.open('openat', [tree, '.', DIRECTORY, 0], doing);
  program.close(tree);
  program.close(mapping);
  return directory;
}

/** The ids of a container that gets a user namespace of its own, to be lent to a mount. */
export function openContainerIds(
  { caller, bundle, namespaces }: Creation,
  imagePath: string,
): IdmapNamespaces | undefined {
  const { uidMappings = [], gidMappings = [] } = bundle.config.linux ?? {};
  if (!namespaces.create.has('user') || uidMappings.length === 0) return undefined;
  const mount = { destination: imagePath, uidMappings, gidMappings };
  return openIdmapNamespaces(caller, { ociVersion: bundle.config.ociVersion, mounts: [mount] });
}
