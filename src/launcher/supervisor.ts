// The process of `tsoci serve`: it keeps workers going that share one listening socket.

import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { O_CLOEXEC, SIGTERM } from '../linux/constants.ts';
import { closeDescriptor } from '../linux/descriptor.ts';
import { EEXIST } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import { syscall } from '../linux/ffi.ts';
import { processStat } from '../linux/procfs.ts';
import { pause } from '../linux/sleep.ts';
import { SYS } from '../linux/syscalls.ts';
import { connectTo, listenAt } from '../linux/unix-socket.ts';
import { stringArray } from '../stub/program.ts';
import { StubProcess } from '../stub/stub-process.ts';
import type { Caller } from './caller.ts';
import { serverDirectory, socketIn } from './server-socket.ts';

/** A worker that ends sooner than this is not started again at once, in milliseconds. */
const LEAST_LIFE = 1000;
/** The socket in a worker, where a cold runtime has its launcher. */
const LISTENER = 3;

/** Serves until a signal ends it; the exit status. `ready` is called when launchers are answered. */
export function supervise(caller: Caller, count: number, ready: () => void): number {
  caller.signals.hold();
  using socket = listen(caller);
  const workers = new Map<number, number>();
  const fill = () => {
    while (workers.size < count) workers.set(startWorker(caller, socket), Date.now());
  };
  try {
    fill();
    ready();
    for (;;) {
      const { status, signals } = caller.signals.next(-1);
      if (signals.length > 0) return 0;
      if (status) replaceEnded(workers, fill);
    }
  } finally {
    for (const pid of workers.keys()) syscall(SYS.kill, pid, SIGTERM);
  }
}

function replaceEnded(workers: Map<number, number>, fill: () => void): void {
  for (const [pid, begun] of workers) {
    if (processStat(pid)) continue;
    workers.delete(pid);
    if (Date.now() - begun < LEAST_LIFE) pause(LEAST_LIFE);
  }
  fill();
}

/** A socket of ours, or the one that a service manager has given to the launcher. */
type Listening = Disposable & ({ fd: number } | { inherited: true });

function listen(caller: Caller): Listening {
  const { LISTEN_FDS, LISTEN_PID } = caller.env;
  if (LISTEN_FDS === '1' && LISTEN_PID === String(caller.pid))
    return { inherited: true, [Symbol.dispose]: () => {} };
  const directory = serverDirectory(caller);
  if (directory === undefined)
    throw new TsociError('serve: XDG_RUNTIME_DIR names no directory for the socket');
  const path = socketIn(directory);
  makeDirectory(directory);
  if (answers(path)) throw new TsociError(`serve: there is a server at ${path} already`);
  rmSync(path, { force: true });
  const fd = listenAt(path);
  chmodSync(path, 0o600);
  return {
    fd,
    [Symbol.dispose]: () => {
      rmSync(path, { force: true });
      closeDescriptor(fd);
    },
  };
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) !== EEXIST) throw TsociError.from(`make ${directory}`, error);
  }
}

function answers(path: string): boolean {
  try {
    closeDescriptor(connectTo(path, 'seqpacket'));
    return true;
  } catch {
    return false;
  }
}

/** Executes the runtime with the listening socket; its pid. */
function startWorker(caller: Caller, socket: Listening): number {
  const inherited = 'inherited' in socket;
  const stub = StubProcess.spawn(caller.launcher, {
    stdio: caller.stdio,
    role: 'worker',
    preserved: inherited ? 1 : 0,
    extra: inherited ? [] : [socket.fd],
  });
  const program = stub.program();
  program.call('setsid', [], 'start a session');
  program.call('chdir', ['/'], 'change to /');
  if (!inherited) {
    // The control socket makes room: it is closed by execve(2).
    const control = stub.extra(0) + 1;
    program.duplicate(stub.control, control, O_CLOEXEC);
    program.setControl(control);
    program.duplicate(stub.extra(0), LISTENER, 0);
  }
  const path = process.execPath;
  program.call('execve', [path, stringArray(['tsoci-worker']), stringArray([])], `execute ${path}`);
  stub.exec(program);
  return stub.pid;
}
