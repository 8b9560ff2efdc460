// The agent that answers SCMP_ACT_NOTIFY: reaching it, and what it is told (config-linux.md#seccomp, listenerPath).

import { closeSync, openSync } from 'node:fs';
import type { ContainerProcessState, State } from '../../config/generated/types.ts';
import { AF_UNIX, O_CLOEXEC, O_PATH, SOCK_CLOEXEC, SOCK_STREAM } from '../../linux/constants.ts';
import { check, closeDescriptor } from '../../linux/descriptor.ts';
import { TsociError } from '../../linux/errors.ts';

/**
 * A close-on-exec stream socket connected to the agent at `path`, a path of the runtime's mount namespace. One
 * connection serves one container process; close ours when the stub has its copy.
 */
export function connectAgent(path: string): number {
  const doing = `connect to the seccomp agent at ${path}`;
  let place: number;
  try {
    place = openSync(path, O_PATH | O_CLOEXEC);
  } catch (error) {
    throw TsociError.from(doing, error);
  }
  const socket = check(doing, 'socket', AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  try {
    // Through the descriptor: sun_path has room for 108 bytes only.
    // struct sockaddr_un: sun_family (16 bits), sun_path.
    const address = Buffer.from(`\0\0/proc/self/fd/${place}\0`, 'latin1');
    address.writeUInt16LE(AF_UNIX, 0);
    check(doing, 'connect', socket, address, address.length);
    return socket;
  } catch (error) {
    closeDescriptor(socket);
    throw error;
  } finally {
    closeSync(place);
  }
}

/** config-linux.md#containerprocessstate, as bytes. `pid` is the container process as the runtime sees it. */
export function containerProcessState(state: State, pid: number, metadata: string | undefined): Uint8Array {
  const message: ContainerProcessState = {
    ociVersion: state.ociVersion,
    fds: ['seccompFd'],
    pid,
    ...(metadata === undefined ? {} : { metadata }),
    state,
  };
  return Buffer.from(JSON.stringify(message), 'utf8');
}
