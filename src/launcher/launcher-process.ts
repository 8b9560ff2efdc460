// The launcher of a command: the caller's own process, which the runtime drives.

import { ECHILD } from '../linux/errno.ts';
import { processStatus } from '../linux/procfs.ts';
import type { WaitStatus } from '../linux/wait.ts';
import type { Launcher, Started, StubDescriptors } from '../stub/launcher.ts';
import { LauncherSocket } from './launcher-socket.ts';
import type { Request } from './request.ts';
import { CallerSignals } from './signals.ts';
import { startStub } from './start-stub.ts';

export class LauncherProcess extends LauncherSocket implements Launcher {
  readonly signals = new CallerSignals(this);
  #status: string | undefined;

  constructor(socket: number, request: Pick<Request, 'pid' | 'control' | 'stdio'>, status?: string) {
    super(socket, request);
    this.#status = status;
  }

  /** Its proc_pid_status(5) as it was at first. Rights, the umask and ignored signals are what nobody changes of it. */
  get status(): string {
    this.#status ??= processStatus(this.pid);
    return this.#status;
  }

  start(descriptors: StubDescriptors): Started {
    return startStub(this, descriptors, { blocked: this.signals.blocked, status: this.status });
  }

  waitBriefly(
    pid: number,
    milliseconds: number,
    meanwhile?: (socket: number) => void,
  ): WaitStatus | 'timeout' | 'signal' {
    return this.signals.waitBriefly(pid, milliseconds, meanwhile);
  }

  /** The last program. The launcher ends with the status once `runtime`, a child of it, has ended: that must be at once. */
  exit(status: number, runtime: number): void {
    const program = this.program();
    program.call('wait4', [runtime, null, 0, 0], 'wait for the runtime', { ignored: [ECHILD] });
    program.call('exit_group', [status], 'exit');
    this.send(program);
  }
}
