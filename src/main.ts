// The entry of the runtime. As descriptor 3 it has one end of a socket to the launcher that executes it; or a worker of
// `tsoci serve` has a socket that listens, and its slot as its argument.

import { tsoci } from './cli/tsoci.ts';
import { LauncherProcess } from './launcher/launcher-process.ts';
import { type Request, receiveRequest } from './launcher/request.ts';
import { isListening } from './launcher/server-socket.ts';
import { work } from './launcher/worker.ts';
import { F_SETFD, FD_CLOEXEC } from './linux/constants.ts';
import { check } from './linux/descriptor.ts';
import { messageOf } from './linux/errors.ts';
import { syscall } from './linux/ffi.ts';
import { SYS } from './linux/syscalls.ts';

const SOCKET = 3;
/** By which the launcher knows that the reason has been told: NOT_EXECUTED of launcher.c. */
const TOLD = 127;

const request = receive();
if (request === undefined) await work(tsoci, Number(process.argv.at(-1)));
else {
  const launcher = new LauncherProcess(SOCKET, request);
  end(launcher, (await tsoci(request, launcher)).status);
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

/** All output is written by then, so nothing is to be flushed or taken down: the launcher waits for our end. */
function end(launcher: LauncherProcess, status: number): void {
  try {
    launcher.exit(status, process.pid);
  } catch {
    // It is there no more.
  }
  syscall(SYS.exit_group, status);
}
