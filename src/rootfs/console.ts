// The container's terminal: a pseudoterminal of its devpts, on /dev/console and as standard streams
// (config.md#process: terminal, config-linux.md#default-devices).

import {
  AT_EMPTY_PATH,
  DEVPTS_SUPER_MAGIC,
  O_CLOEXEC,
  O_NOCTTY,
  O_NOFOLLOW,
  O_PATH,
  O_RDWR,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  TIOCGPTPEER,
  TIOCSCTTY,
  TIOCSPTLCK,
  TIOCSWINSZ,
} from '../linux/constants.ts';
import { ENOENT } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import type { StubProcess } from '../stub/stub-process.ts';
import { attach, openInRootArguments, type RootContext } from './context.ts';
import { makeTarget } from './target.ts';

export interface ConsoleSize {
  height: number;
  width: number;
}

/** Makes the pseudoterminal; the master, as a descriptor of ours. */
export function makeConsole(context: RootContext, size: ConsoleSize | undefined, onConsole: boolean): number {
  const { init, root } = context;
  const program = init.program();
  const doing = 'open /dev/pts/ptmx of the container';
  const ptmxFlags = O_RDWR | O_NOCTTY | O_NOFOLLOW;
  const master = program.open('openat2', openInRootArguments(root, '/dev/pts/ptmx', ptmxFlags), doing);
  const statfs = Buffer.alloc(120);
  program.call('fstatfs', [master, statfs], doing);
  program.call('ioctl', [master, TIOCSPTLCK, new Uint8Array(4)], 'unlock the pseudoterminal');
  const peerFlags = O_RDWR | O_NOCTTY | O_CLOEXEC;
  const slave = program.open('ioctl', [master, TIOCGPTPEER, peerFlags], 'open the pseudoterminal');
  if (size) {
    const winsize = Buffer.alloc(8);
    winsize.writeUInt16LE(size.height & 0xffff, 0);
    winsize.writeUInt16LE(size.width & 0xffff, 2);
    program.call('ioctl', [slave, TIOCSWINSZ, winsize], 'set the size of the terminal');
  }
  let bytes: Buffer;
  try {
    bytes = init.run(program).bytes(statfs);
  } catch (error) {
    if (errnoOf(error) !== ENOENT) throw error;
    throw TsociError.from('make a terminal', error, 'process.terminal needs a devpts mount on /dev/pts');
  }
  // The image could have put something else there (CVE-2025-52565).
  if (Number(bytes.readBigInt64LE(0)) !== DEVPTS_SUPER_MAGIC) {
    throw new TsociError('make a terminal: /dev/pts/ptmx of the container is not on a devpts');
  }
  if (onConsole) bindConsole(context, slave);
  takeTerminal(init, slave);
  return passMaster(init, master);
}

/** By descriptor, from the terminal that we made to the file that we opened. */
function bindConsole(context: RootContext, slave: number): void {
  const { init, root } = context;
  makeTarget(context, '/dev/console', 'file');
  const program = init.program();
  const doing = 'bind the terminal on /dev/console';
  const target = program.open(
    'openat2',
    openInRootArguments(root, '/dev/console', O_PATH | O_NOFOLLOW),
    doing,
  );
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;
  const mount = program.open('open_tree', [slave, '', flags], doing);
  attach(program, mount, target, doing);
  program.close(mount);
  program.close(target);
  init.run(program);
}

/** Init leads its session by now. */
function takeTerminal(init: StubProcess, slave: number): void {
  const program = init.program();
  program.call('ioctl', [slave, TIOCSCTTY, 0], 'make the terminal the controlling one');
  for (const fd of [0, 1, 2]) program.duplicate(slave, fd, 0);
  program.close(slave);
  init.run(program);
}

function passMaster(init: StubProcess, master: number): number {
  const [ours] = init.takeDescriptors([master], 'pass the terminal on');
  if (ours === undefined) throw new TsociError('the stub passed no terminal on');
  return ours;
}
