// A process in the foreground: signals go on to it, its terminal is ours, its exit status becomes ours.

import { constants } from 'node:os';
import type { Caller } from '../linux/caller.ts';
import { syscall } from '../linux/ffi.ts';
import { SYS } from '../linux/syscalls.ts';
import { reapIfEnded, type WaitStatus } from '../linux/wait.ts';

/** Signals that are not for the container: they cannot be caught, or are about ourselves. */
const kept = new Set(['SIGKILL', 'SIGSTOP', 'SIGCHLD', 'SIGWINCH', 'SIGPIPE', 'SIGURG', 'SIGPROF']);
/** Faults of our own process. */
const faults = new Set(['SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGSYS']);

/**
 * Waits for a child. `terminal` is the master of its terminal: input and output are copied, ours is raw meanwhile.
 * The result is its exit status, or 128 and the number of the signal that killed it.
 */
export async function attend(caller: Caller, pid: number, terminal: number | undefined): Promise<number> {
  const forwarders = forwardSignals(pid);
  const session = terminal === undefined ? undefined : await openTerminal(caller, terminal);
  try {
    const status = await ended(pid);
    await session?.drained();
    return status.signal ? 128 + status.signal : status.code;
  } finally {
    session?.close();
    for (const [name, listener] of forwarders) process.off(name, listener);
  }
}

function ended(pid: number): Promise<WaitStatus> {
  return new Promise((resolve) => {
    // A listener for signals does not keep the event loop alive; a timer does.
    const alive = setInterval(() => look(), 60_000);
    const look = () => {
      const status = reapIfEnded(pid);
      if (!status) return;
      clearInterval(alive);
      process.off('SIGCHLD', look);
      resolve(status);
    };
    process.on('SIGCHLD', look);
    // It may have ended before we listened.
    look();
  });
}

function forwardSignals(pid: number): [NodeJS.Signals, () => void][] {
  const forwarders: [NodeJS.Signals, () => void][] = [];
  for (const [name, number] of Object.entries(constants.signals) as [NodeJS.Signals, number][]) {
    if (kept.has(name) || faults.has(name)) continue;
    const listener = () => {
      syscall(SYS.kill, pid, number);
    };
    try {
      process.on(name, listener);
      forwarders.push([name, listener]);
    } catch {
      // One that this system does not let us catch.
    }
  }
  return forwarders;
}

/** What it takes is loaded only where there is a terminal. */
async function openTerminal(caller: Caller, master: number) {
  const { TerminalSession } = await import('./terminal.ts');
  return new TerminalSession(caller, master);
}
