// A shell in the namespaces of the half-made container, with the host's programs at hand: the container may have none.
//
// Its root is that of the host. At one directory of it is the root of the container, with all that is mounted there, and this
// is its working directory. All of it is in a mount namespace of the shell alone: nobody else sees it, and it goes with the
// shell.
//
//   the boot stub, on the host    clones the tree of the host's mounts: open_tree(2)
//   its clone, in the container   leaves the mount namespace of init for a copy; clones the tree of the container's root;
//                                 puts the host's tree over /, and the container's on a directory of it

import { statSync } from 'node:fs';
import { listOf } from '../config/variables.ts';
import { attend } from '../container/attach/foreground.ts';
import type { Caller } from '../launcher/caller.ts';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  CLONE_NEWNS,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_PRIVATE,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from '../linux/constants.ts';
import { TsociError } from '../linux/errors.ts';
import type { WaitStatus } from '../linux/wait.ts';
import { cloneInto, openTarget, spawnBoot } from '../namespaces/enter.ts';
import { setAttributes } from '../rootfs/context.ts';
import { type Program, stringArray } from '../stub/program.ts';
import { StubProcess } from '../stub/stub-process.ts';

/** Directories of the host at which the container's root may appear: those of the FHS where nothing of a system is. */
const PLACES = ['/mnt', '/media', '/srv', '/opt'];

export interface Inside {
  pid: number;
  /** Where the container's root is in the mounts of the process, while its root is that of the host. */
  rootfs: string | undefined;
}

/** Where in the shell the root of the container is. */
export function containerPlace(rootfs: string | undefined): string {
  const place = PLACES.find(
    (path) => !rootfs?.startsWith(`${path}/`) && statSync(path, { throwIfNoEntry: false })?.isDirectory(),
  );
  if (place === undefined)
    throw new TsociError(`none of ${PLACES.join(', ')} is there, to show the container at`);
  return place;
}

/** Executes a program there, and waits for its end. */
export function runInside(caller: Caller, inside: Inside, args: readonly string[]): Promise<WaitStatus> {
  return run(caller, () => enter(caller, inside), args);
}

/** The same for a program of the host. */
export function runOnHost(caller: Caller, args: readonly string[]): Promise<WaitStatus> {
  const { launcher, stdio } = caller;
  return run(caller, () => StubProcess.spawn(launcher, { stdio, role: 'editor' }), args);
}

/** What a terminal sends is for the program, and does not end us. */
async function run(caller: Caller, start: () => StubProcess, args: readonly string[]): Promise<WaitStatus> {
  caller.signals.holdTogether();
  const stub = start();
  try {
    const program = stub.program();
    const [path = ''] = args;
    program.call('execve', [path, stringArray(args), stringArray(listOf(caller.env))], `execute ${path}`);
    stub.exec(program);
  } catch (error) {
    stub.dismiss();
    throw error;
  }
  return attend(caller, stub.pid, {});
}

function enter(caller: Caller, { pid, rootfs }: Inside): StubProcess {
  const { launcher, stdio } = caller;
  const options = { launcher, stdio, role: 'shell' };
  using target = openTarget({ pid });
  using boot = spawnBoot(target, options);
  const program = boot.program();
  const host = cloneTree(program, '/', 'copy the mounts of the host');
  boot.run(program);
  const stub = cloneInto(boot, target, options);
  try {
    arrange(stub, host, containerPlace(rootfs), rootfs ?? '/');
    return stub;
  } catch (error) {
    stub.dismiss();
    throw error;
  }
}

function arrange(stub: StubProcess, host: number, place: string, root: string): void {
  const program = stub.program();
  program.call('unshare', [CLONE_NEWNS], 'make a mount namespace for the shell');
  const top = program.open('openat', [AT_FDCWD, '/', O_PATH | O_DIRECTORY | O_CLOEXEC, 0], 'open /');
  setAttributes(
    program,
    top,
    { propagation: MS_PRIVATE },
    AT_RECURSIVE,
    'keep mounts of the shell to itself',
  );
  const container = cloneTree(program, root, 'copy the mounts of the container');
  program.call('move_mount', [host, '', AT_FDCWD, '/', MOVE_MOUNT_F_EMPTY_PATH], 'put the host over /');
  program.call('fchdir', [host], 'change to the root of the host');
  program.call('chroot', ['.'], 'chroot into the root of the host');
  const doing = `show the container at ${place}`;
  program.call('move_mount', [container, '', AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH], doing);
  program.call('chdir', [place], `change to ${place}`);
  for (const fd of [top, container, host]) program.close(fd);
  stub.run(program);
}

/** A copy of what is mounted at a path and below it, attached nowhere and private. */
function cloneTree(program: Program, path: string, doing: string): number {
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE;
  const tree = program.open('open_tree', [AT_FDCWD, path, flags], doing);
  setAttributes(program, tree, { propagation: MS_PRIVATE }, AT_RECURSIVE | AT_EMPTY_PATH, doing);
  return tree;
}
