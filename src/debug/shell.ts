// A shell in the namespaces of the half-made container, with the host's programs at hand: the container may have none.
//
// Its root is that of the host. At one directory of it is the root of the container, with all that is mounted there, and this
// is its working directory. All of it is in a mount namespace of the shell alone: nobody else sees it, and it goes with the
// shell.
//
//   the boot stub, on the host    clones the tree of the host's mounts: open_tree(2)
//   its clone, in the container   leaves the mount namespace of init for a copy; clones the tree of the container's root;
//                                 puts the host's tree over /, and the container's on a directory of it

import { openSync, statSync } from 'node:fs';
import { listOf } from '../config/variables.ts';
import { attendWith } from '../container/attach/foreground.ts';
import { TerminalSession } from '../container/attach/terminal.ts';
import { adaptTerminal } from '../container/init/console-socket.ts';
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
  O_NOCTTY,
  O_PATH,
  O_RDWR,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  TIOCGPTPEER,
  TIOCSCTTY,
  TIOCSPTLCK,
} from '../linux/constants.ts';
import { check, closeDescriptor } from '../linux/descriptor.ts';
import { TsociError } from '../linux/errors.ts';
import { isTerminal } from '../linux/termios.ts';
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
export function runInside(caller: Caller, inside: Inside, args: readonly string[]): WaitStatus {
  return run(caller, (stdio) => enter(caller, inside, stdio), args);
}

/** The same for a program of the host. */
export function runOnHost(caller: Caller, args: readonly string[]): WaitStatus {
  const { launcher } = caller;
  return run(caller, (stdio) => StubProcess.spawn(launcher, { stdio, role: 'command' }), args);
}

type Stdio = Caller['stdio'];

/** Signals are held (HeldSignals, or CallerSignals.hold): what a terminal sends is for the program, and does not end us. */
function run(caller: Caller, start: (stdio: Stdio) => StubProcess, args: readonly string[]): WaitStatus {
  const [stdin, stdout] = caller.stdio;
  const terminal = isTerminal(stdin) && isTerminal(stdout) ? openTerminal(caller) : undefined;
  let stub: StubProcess | undefined;
  try {
    stub = start(terminal?.stdio ?? caller.stdio);
    const program = stub.program();
    // Jobs are controlled in a session of one's own: process groups of another pid namespace have no numbers.
    if (terminal) {
      program.call('setsid', [], 'start a session');
      program.call('ioctl', [0, TIOCSCTTY, 0], 'make the terminal the controlling one');
    }
    const [path = ''] = args;
    const execve = [path, stringArray(args), stringArray(listOf(caller.env))];
    program.call('execve', execve, `execute ${path}`);
    stub.exec(program);
  } catch (error) {
    stub?.dismiss();
    if (terminal) closeDescriptor(terminal.master);
    throw error;
  } finally {
    if (terminal) closeDescriptor(terminal.stdio[0]);
  }
  const session = terminal && new TerminalSession(caller, terminal.master);
  return attendWith(caller, stub.pid, { session });
}

/** A terminal between the caller's and a program (pts(4)). */
function openTerminal(caller: Caller): { master: number; stdio: Stdio } {
  const doing = 'make a terminal';
  const master = openSync('/dev/ptmx', O_RDWR | O_NOCTTY);
  try {
    check(doing, 'ioctl', master, TIOCSPTLCK, new Uint8Array(4));
    const slave = check(doing, 'ioctl', master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    adaptTerminal(caller, master);
    return { master, stdio: [slave, slave, slave] };
  } catch (error) {
    closeDescriptor(master);
    throw error;
  }
}

function enter({ launcher }: Caller, { pid, rootfs }: Inside, stdio: Stdio): StubProcess {
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

/** The person's own shell. */
export function shellOf({ env }: Pick<Caller, 'env'>): string {
  return env.SHELL ?? '/bin/sh';
}
