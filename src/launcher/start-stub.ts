// A stub as a child of the launcher.
//
// The child shares the launcher's memory until it executes the stub, and the launcher waits that long (CLONE_VM,
// CLONE_VFORK). So no page is copied; and the results of the child's operations are in the launcher's reply, behind that
// of clone3. The child's control descriptor is -1: at an operation that fails it has nobody to reply to, and exits.

import {
  AT_EMPTY_PATH,
  CLONE_VFORK,
  CLONE_VM,
  CLOSE_RANGE_CLOEXEC,
  SIG_SETMASK,
  SIGCHLD,
  SOCK_SEQPACKET,
} from '../linux/constants.ts';
import { closeDescriptor, socketPair } from '../linux/descriptor.ts';
import { TsociError } from '../linux/errors.ts';
import { fieldOf } from '../linux/procfs.ts';
import { SocketChannel } from '../stub/channel.ts';
import { isError, resultAt } from '../stub/encode.ts';
import type { Started, StubDescriptors } from '../stub/launcher.ts';
import { STDIO } from '../stub/preserved.ts';
import { type Program, STOP_IF_POSITIVE, Structure, stringArray } from '../stub/program.ts';
import { STUB_NAME } from '../stub/stub-name.ts';
import type { LauncherSocket } from './launcher-socket.ts';

const ALL = 0xffffffff;

/** What a child of the launcher would take from it, and is to have as the caller had it. */
interface CallersSignals {
  /** The signals that the caller had blocked, if others are by now. */
  blocked: Buffer | undefined;
  /** The launcher's proc_pid_status(5). */
  status: string;
}

export function startStub(
  launcher: LauncherSocket,
  { stdio, preserved, extra }: StubDescriptors,
  signals: CallersSignals,
): Started {
  using ours = new DisposableStack();
  using theirs = new DisposableStack();
  const [control, child] = [1, 2].map(() => {
    const [mine, its] = socketPair(SOCK_SEQPACKET);
    ours.defer(() => closeDescriptor(mine));
    theirs.defer(() => closeDescriptor(its));
    return { mine, its };
  });
  if (!control || !child) throw new TsociError('no sockets for the stub');
  const foreign = stdio.filter((fd) => launcher.own(fd) === undefined);
  const { lent, image } = launcher.lendWithImage([control.its, child.its, ...extra, ...foreign]);
  let pid: number;
  try {
    const [itsControl = -1, itsChild = -1, ...others] = lent;
    const streams = stdio.map((fd) => launcher.own(fd) ?? others[extra.length + foreign.indexOf(fd)] ?? -1);
    const kept = Array.from({ length: preserved }, (_, i) => STDIO + i);
    const sources = [...streams, itsControl, itsChild, ...kept, ...others.slice(0, extra.length)];
    pid = clone(launcher, image, sources, lent, signals);
  } finally {
    // Its control socket would stay open when the stub ends.
    launcher.takeBack(lent);
  }
  const started = {
    pid,
    channel: new SocketChannel(control.mine),
    child: new SocketChannel(child.mine),
  };
  ours.move();
  return started;
}

/** Starts the stub with `sources[i]` of the launcher as its descriptor i. Those that are `lent` are close-on-exec. */
function clone(
  launcher: LauncherSocket,
  image: number,
  sources: readonly number[],
  lent: readonly number[],
  signals: CallersSignals,
): number {
  const program = launcher.program();
  // struct clone_args of clone3(2): flags, pidfd, child_tid, parent_tid, exit_signal, …
  const args = new Structure([CLONE_VM | CLONE_VFORK, 0, 0, 0, SIGCHLD, 0, 0, 0, 0, 0, 0]);
  program.call('clone3', [args, args.words.length * 8], 'start a process', { control: STOP_IF_POSITIVE });
  program.setControl(-1);
  // Numbers that are free in the child, whatever is there in the launcher.
  const free = Math.max(image, sources.length, ...sources) + 1;
  program.call('dup3', [image, free, 0], 'start a process: keep the image of the stub');
  layOut(program, sources, lent, free + 1);
  program.call('close_range', [sources.length, ALL, CLOSE_RANGE_CLOEXEC], 'mark descriptors close-on-exec');
  resetSignals(program, signals);
  const words = stringArray([STUB_NAME]);
  program.call('execveat', [free, '', words, stringArray([]), AT_EMPTY_PATH], 'execute the stub');
  return pidOf(launcher, program);
}

/** Puts each source in its place. One that would be overwritten before its turn is put aside first, as is one in place. */
function layOut(program: Program, sources: readonly number[], lent: readonly number[], free: number): void {
  const doing = 'hand descriptors to the stub';
  let next = free;
  const safe = sources.map((source, place) => {
    if (source > place || (source === place && !lent.includes(source))) return source;
    program.call('dup3', [source, next, 0], doing);
    return next++;
  });
  safe.forEach((source, place) => {
    if (source !== place) program.call('dup3', [source, place, 0], doing);
  });
}

/** What the caller ignores is not ignored in the container; what it blocks is blocked there too (signal(7)). */
function resetSignals(program: Program, { blocked, status }: CallersSignals): void {
  const SIGSET_SIZE = 8;
  const action = Buffer.alloc(32);
  const doing = 'reset the signals of the stub';
  for (const signal of ignoredSignals(status))
    program.call('rt_sigaction', [signal, action, 0, SIGSET_SIZE], doing);
  if (blocked) program.call('rt_sigprocmask', [SIG_SETMASK, blocked, 0, SIGSET_SIZE], doing);
}

function ignoredSignals(status: string): number[] {
  const bits = BigInt(`0x${fieldOf(status, 'SigIgn') ?? '0'}`);
  // Hardly ever is there one.
  if (bits === 0n) return [];
  return Array.from({ length: 64 }, (_, i) => i + 1).filter((signal) => (bits >> BigInt(signal - 1)) & 1n);
}

/** Runs the program; the error of the launcher or of the child is thrown. */
function pidOf(launcher: LauncherSocket, program: Program): number {
  const { operations } = program;
  const reply = launcher.receive(launcher.send(program));
  const pid = resultAt(reply, 0);
  const failed = operations.findIndex((_, i) => isError(resultAt(reply, i)));
  const operation = operations[failed];
  if (!operation) return pid;
  if (pid > 0) launcher.wait(pid);
  throw TsociError.fromErrno(operation.doing, -resultAt(reply, failed));
}
