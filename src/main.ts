// The entry of the runtime, which a launcher executes with one end of a socket as descriptor 3.

import { tsoci } from './cli/tsoci.ts';
import { LauncherProcess } from './launcher/launcher-process.ts';
import { type Request, receiveRequest } from './launcher/request.ts';
import { F_SETFD, FD_CLOEXEC } from './linux/constants.ts';
import { check } from './linux/descriptor.ts';
import { messageOf } from './linux/errors.ts';
import { syscall } from './linux/ffi.ts';
import { SYS } from './linux/syscalls.ts';

const SOCKET = 3;
const FAILURE = 1;

const request = receive();
const launcher = new LauncherProcess(SOCKET, request);
tsoci(request, launcher).then(end);

function receive(): Request {
  try {
    check('mark the socket close-on-exec', 'fcntl', SOCKET, F_SETFD, FD_CLOEXEC);
    return receiveRequest(SOCKET);
  } catch (error) {
    console.error(`tsoci-runtime: ${messageOf(error)}; it is what tsoci executes`);
    process.exit(FAILURE);
  }
}

/** All output is written by then, so nothing is to be flushed or taken down: the launcher waits for our end. */
function end(status: number): void {
  try {
    launcher.exit(status, process.pid);
  } catch {
    // It is there no more.
  }
  syscall(SYS.exit_group, status);
}
