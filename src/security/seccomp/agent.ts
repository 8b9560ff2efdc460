// The agent that answers SCMP_ACT_NOTIFY: reaching it, and what it is told (config-linux.md#seccomp, listenerPath).

import type { ContainerProcessState, State } from '../../config/generated/types.ts';
import { connectTo } from '../../linux/unix-socket.ts';

/**
 * A close-on-exec stream socket connected to the agent at `path`, a path of the runtime's mount namespace. One
 * connection serves one container process; close ours when the stub has its copy.
 */
export function connectAgent(path: string): number {
  return connectTo(path, 'stream', `connect to the seccomp agent at ${path}`);
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
