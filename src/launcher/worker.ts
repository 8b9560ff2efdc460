// A worker of a server: it serves one launcher after another, each as a runtime of its own would.

import { readFileSync } from 'node:fs';
import { F_SETFD, FD_CLOEXEC, SOCK_CLOEXEC } from '../linux/constants.ts';
import { check, closeDescriptor, send } from '../linux/descriptor.ts';
import { mayServe } from './gate.ts';
import { LauncherProcess } from './launcher-process.ts';
import { type Request, receiveRequest } from './request.ts';
import { GREETING } from './server-socket.ts';

/** What a command came to; after an internal error nothing is sure of this process any more. */
export interface Outcome {
  status: number;
  sound: boolean;
}

export type Serve = (request: Request, launcher: LauncherProcess) => Promise<Outcome>;

/** Serves until a command ends in an internal error. Whoever started the worker starts another. */
export async function work(listener: number, serve: Serve): Promise<void> {
  check('mark the socket close-on-exec', 'fcntl', listener, F_SETFD, FD_CLOEXEC);
  for (let sound = true; sound; ) {
    const socket = check('wait for a launcher', 'accept4', listener, 0, 0, SOCK_CLOEXEC);
    try {
      sound = await serveOne(socket, serve);
    } finally {
      closeDescriptor(socket);
    }
  }
}

/** Whether the worker can go on. */
async function serveOne(socket: number, serve: Serve): Promise<boolean> {
  if (!mayServe(socket)) return true;
  let request: Request;
  try {
    send(socket, GREETING, 'greet the launcher');
    request = receiveRequest(socket);
    // Files have the mode that they would have if the caller made them.
    process.umask(umaskOf(request.pid));
  } catch {
    // It has not waited.
    return true;
  }
  const launcher = new LauncherProcess(socket, request);
  const { status, sound } = await serve(request, launcher);
  // Before the launcher ends: who waits for the end of what it gave to the launcher must not wait for us.
  for (const fd of request.stdio) closeDescriptor(fd);
  try {
    launcher.exit(status, process.pid);
  } catch {
    // It has been killed.
  }
  return sound;
}

/** proc_pid_status(5). */
function umaskOf(pid: number): number {
  const [, umask = '022'] = /^Umask:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
  return Number.parseInt(umask, 8);
}
