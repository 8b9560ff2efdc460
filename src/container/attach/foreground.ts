// A process in the foreground: signals go on to it, its terminal is the caller's, its exit status becomes that of tsoci.

import type { Caller } from '../../launcher/caller.ts';
import { endings } from '../../launcher/signals.ts';
import { debuggerWatched } from '../../linux/attempt.ts';
import { POLLIN, SIGKILL, SIGWINCH } from '../../linux/constants.ts';
import { closeDescriptor, pollUntil } from '../../linux/descriptor.ts';
import { TsociError } from '../../linux/errors.ts';
import { syscall } from '../../linux/ffi.ts';
import { isDefault } from '../../linux/procfs.ts';
import { step } from '../../linux/steps.ts';
import { SYS } from '../../linux/syscalls.ts';
import type { WaitStatus } from '../../linux/wait.ts';
import type { NotifySocket } from '../notify-socket.ts';
import type { TerminalSession } from './terminal.ts';

/** What a child in the foreground has to do with besides its end. */
export interface Attended {
  /** The master of its terminal: input and output are copied, the caller's is raw meanwhile. */
  terminal?: number | undefined;
  /** What it tells that it is ready. */
  notify?: NotifySocket | undefined;
  /** Whether it is process 1 of a pid namespace that was made for a command. */
  first?: boolean;
}

/** Waits for a child of the launcher, which gets the signals that are held (CallerSignals.hold), and tells how it ended. */
export async function attend(
  caller: Caller,
  pid: number,
  { terminal, notify, first = false }: Attended,
): Promise<WaitStatus> {
  using _notify = notify;
  const session = terminal === undefined ? undefined : await openTerminal(caller, terminal);
  return attendWith(caller, pid, { session, notify, first });
}

/** The same with a session that was opened, which is closed here. */
export function attendWith(
  caller: Caller,
  pid: number,
  { session, notify, first = false }: { session: TerminalSession | undefined } & Omit<Attended, 'terminal'>,
): WaitStatus {
  const watched = debuggerWatched();
  const watching = watched === undefined ? [] : [{ fd: watched, events: POLLIN }];
  const serve = (socket: number) => {
    let told = 0;
    const wanted = () => {
      const telling = notify?.wanted() ?? [];
      told = telling.length;
      return [...telling, ...watching, ...(session?.wanted() ?? [])];
    };
    pollUntil(socket, wanted, (come) => {
      const [message] = come.splice(0, told);
      if (come.splice(0, watching.length).some((revents) => revents !== 0))
        throw new TsociError('the debugger has gone');
      // The manager is to watch the launcher: it ends when the process does.
      if (message) notify?.take(caller.pid);
      session?.copy(come);
    });
  };
  step(`wait for the end of process ${pid}`);
  let killedFor: number | undefined;
  try {
    for (;;) {
      const { status, signals, had } = caller.signals.next(pid, serve);
      if (first) killedFor ??= endFirst(pid, [...signals, ...had]);
      for (const signal of signals) {
        // The size of the caller's terminal is nothing to a process that has another.
        if (signal === SIGWINCH) session?.resize();
        else syscall(SYS.kill, pid, signal);
      }
      if (!status) continue;
      session?.drain(() => caller.signals.ending() !== undefined);
      return killedFor !== undefined && status.signal === SIGKILL ? { code: 0, signal: killedFor } : status;
    }
  } finally {
    session?.close();
  }
}

/**
 * Ends process 1 of a pid namespace for a signal that ends any other program, but not this one: the kernel keeps from it what
 * it does not handle (pid_namespaces(7)), and Ctrl-C would do nothing. That signal, if there is one.
 */
function endFirst(pid: number, signals: readonly number[]): number | undefined {
  const fatal = signals.find((signal) => endings.includes(signal) && isDefault(pid, signal));
  if (fatal !== undefined) syscall(SYS.kill, pid, SIGKILL);
  return fatal;
}

/** The module is loaded only where there is a terminal. */
async function openTerminal(caller: Caller, master: number) {
  try {
    const { TerminalSession } = await import('./terminal.ts');
    return new TerminalSession(caller, master);
  } catch (error) {
    closeDescriptor(master);
    throw error;
  }
}
