// The process of the runtime. As descriptor 3 it has one end of a socket to the launcher that executes it; or a worker of
// `tsoci serve` has a socket that listens, and its slot as its argument.

import { F_SETFD, FD_CLOEXEC } from '../linux/constants.ts';
import { check } from '../linux/descriptor.ts';
import { messageOf } from '../linux/errors.ts';
import { syscall } from '../linux/ffi.ts';
import { SYS } from '../linux/syscalls.ts';
import { LauncherProcess } from './launcher-process.ts';
import { type Request, receiveRequest } from './request.ts';
import { isListening } from './server-socket.ts';
import type { Serve } from './worker.ts';

const SOCKET = 3;
/** By which the launcher knows that the reason has been told: NOT_EXECUTED of launcher.c. */
const TOLD = 127;
const FAILURE = 1;

/** Serves the launcher by which this process was started, or as a worker those that come. It ends the process. */
export async function beRuntime(serve: Serve): Promise<void> {
  const request = receive();
  if (request === undefined) return beWorker(serve);
  const launcher = new LauncherProcess(SOCKET, request);
  const { status } = await serve(request, launcher);
  try {
    launcher.exit(status, process.pid);
  } catch {
    // It is there no more.
  }
  end(status);
}

/** Undefined for a worker. */
function receive(): Request | undefined {
  try {
    if (isListening(SOCKET)) return undefined;
    check('tsoci-runtime is for tsoci to execute', 'fcntl', SOCKET, F_SETFD, FD_CLOEXEC);
    return receiveRequest(SOCKET, -1);
  } catch (error) {
    console.error(`tsoci: ${messageOf(error)}`);
    process.exit(TOLD);
  }
}

async function beWorker(serve: Serve): Promise<void> {
  let status = 0;
  try {
    const { work } = await import('./worker.ts');
    await work(serve, Number(process.argv.at(-1)));
  } catch (error) {
    console.error(`tsoci: worker ${process.pid}: ${messageOf(error)}`);
    status = FAILURE;
  }
  end(status);
}

/** All output is written by then, so nothing is to be flushed or taken down; and nothing that a command has begun goes on. */
function end(status: number): void {
  syscall(SYS.exit_group, status);
}
