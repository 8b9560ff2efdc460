// A command that is debugged: how its debugger comes to it.
//
// `tsoci debug` listens, and names its socket in TSOCI_DEBUGGER: then the command comes to it at once, and begins when it is told
// to. Otherwise nobody is there, and a command that is to wait for somebody listens when something has failed, for a time.

import { chmodSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Prepared } from '../container/create/creation.ts';
import type { Caller } from '../launcher/caller.ts';
import { peerOf } from '../launcher/request.ts';
import { handleFailures } from '../linux/attempt.ts';
import { POLLIN, SOCK_CLOEXEC } from '../linux/constants.ts';
import { check, closeDescriptor, poll } from '../linux/descriptor.ts';
import { TsociError } from '../linux/errors.ts';
import { discardEmptyDirectory, discardFile, makeDirectories } from '../linux/files.ts';
import { listenToSteps } from '../linux/steps.ts';
import { bindTo, connectTo } from '../linux/unix-socket.ts';
import { stepStubs } from '../stub/observer.ts';
import { type Answer, type Event, MessageSocket, type Request } from './protocol.ts';
import { Session, type SessionOptions } from './session.ts';
import { runInside, shellOf } from './shell.ts';
import { StepByStep } from './step-by-step.ts';

export interface Debuggee {
  /** The state directory. */
  root: string;
  id: string;
  /** create, run, exec or start. */
  command: string;
  /** Where its config is. */
  configFile?: string | undefined;
}

/** A command that is debugged from here on. */
export interface Debugging extends Disposable {
  prepared: Prepared;
}

/** Debugs a command by who listens at a path. It begins when the debugger wants it to. */
export function debugBy(path: string, caller: Caller, debuggee: Debuggee): Debugging {
  const socket = connectTo(path, 'stream');
  checkPeer(socket, caller);
  return debug(debuggee, caller, { meet: () => new MessageSocket(socket), waits: true });
}

/** Has a command wait at its failure for a debugger, that many seconds, on a socket in a directory. */
export function waitForDebugger(
  directory: string,
  seconds: number,
  caller: Caller,
  debuggee: Debuggee,
): Debugging {
  const meet = () => awaitDebugger(directory, seconds, caller, debuggee);
  return debug(debuggee, caller, { meet, waits: false });
}

/** Opens a shell where a command fails, for who has called it. */
export function openShellAtFailure(caller: Caller, debuggee: Debuggee): Debugging {
  const look = ({ init, rootfs, error }: Event & { event: 'stopped' }) => {
    if (error !== undefined) caller.write(caller.stdio[2], `tsoci: ${error}\n`);
    if (init === undefined) return;
    caller.signals.holdTogether();
    runInside(caller, { pid: init, rootfs }, [shellOf(caller)]);
  };
  return debug(debuggee, caller, { meet: () => undefined, look, waits: false });
}

function debug(
  { root, id, command, configFile }: Debuggee,
  caller: Caller,
  options: Pick<SessionOptions, 'meet' | 'look' | 'waits'>,
): Debugging {
  const session = new Session({ ...options, configFile, hello: { command, id, pid: caller.pid } });
  using opened = new DisposableStack();
  opened.defer(stepStubs(new StepByStep(session)));
  opened.defer(handleFailures(session));
  opened.defer(listenToSteps((doing, phase) => session.step(doing, phase)));
  opened.defer(() => session.end());
  session.begin();
  const all = opened.move();
  return {
    prepared: async (creation) => session.prepared(creation, root),
    [Symbol.dispose]: () => all.dispose(),
  };
}

/** The directory in which commands of a state directory wait for debuggers. No container can have this name. */
export function debugDirectory(root: string): string {
  return join(root, '~debug');
}

/** A socket that listens, for this user alone. Disposal takes it away, and the directory if it was made for it. */
export function listenForPeer(path: string): { socket: number } & Disposable {
  makeDirectories(dirname(path), 0o700);
  discardFile(path);
  const socket = bindTo(path, 'stream', `listen at ${path}`);
  using opened = new DisposableStack();
  opened.defer(() => closeDescriptor(socket));
  opened.defer(() => {
    discardFile(path);
    // It stays if others wait there.
    discardEmptyDirectory(dirname(path));
  });
  chmodSync(path, 0o600);
  check(`listen at ${path}`, 'listen', socket, 1);
  const all = opened.move();
  return { socket, [Symbol.dispose]: () => all.dispose() };
}

/** Accepts a connection within that many milliseconds, of the same user or of root; undefined where nobody comes. */
export function acceptPeer(socket: number, milliseconds: number, caller: Caller): number | undefined {
  const end = performance.now() + milliseconds;
  for (;;) {
    const [come] = poll([{ fd: socket, events: POLLIN }], Math.max(0, end - performance.now()));
    if (!come) return undefined;
    const connection = check('accept a debugger', 'accept4', socket, 0, 0, SOCK_CLOEXEC);
    if (isPeer(connection, caller)) return connection;
    closeDescriptor(connection);
  }
}

function isPeer(socket: number, { uid }: Caller): boolean {
  const peer = peerOf(socket);
  return peer.uid === uid || peer.uid === 0;
}

function checkPeer(socket: number, caller: Caller): void {
  if (!isPeer(socket, caller)) throw new TsociError('TSOCI_DEBUGGER: somebody else listens there');
}

function awaitDebugger(
  directory: string,
  seconds: number,
  caller: Caller,
  { root, id, command }: Debuggee,
): MessageSocket<Request, Event | Answer> | undefined {
  const path = join(directory, id);
  using listening = listenForPeer(path);
  const where =
    directory === debugDirectory(root) ? `--root ${root} debug --attach ${id}` : `debug --attach ${path}`;
  caller.warn(`${command} ${id} has failed and waits ${seconds} s for: tsoci ${where}`);
  const connection = acceptPeer(listening.socket, seconds * 1000, caller);
  return connection === undefined ? undefined : new MessageSocket(connection);
}

/** Whether a path is that of a socket: a debugger listens there. */
export function isSocket(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isSocket() ?? false;
}
