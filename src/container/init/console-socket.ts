// Where the master of a container's terminal goes: the console socket of the engine, or `run` and `exec` themselves.

import type { Caller } from '../../launcher/caller.ts';
import { closeDescriptor } from '../../linux/descriptor.ts';
import { TsociError } from '../../linux/errors.ts';
import { copyWindowSize, isTerminal, keepLineFeeds } from '../../linux/termios.ts';
import { sendDescriptorTo } from '../../linux/unix-socket.ts';

export interface ConsoleOptions {
  /** The absolute path of a listening stream socket. */
  consoleSocket?: string | undefined;
  /** Whether the master is kept here, for `run` or `exec` in the foreground. */
  keepTerminal?: boolean | undefined;
}

/** Sends the master to the console socket, with the name /dev/ptmx as the message, as engines expect it; closes it here. */
export function sendTerminal(master: number, consoleSocket: string | undefined): void {
  try {
    if (!consoleSocket) throw new TsociError('a terminal is asked for: --console-socket is needed');
    sendDescriptorTo(consoleSocket, '/dev/ptmx', master, 'the terminal');
  } finally {
    closeDescriptor(master);
  }
}

/** What the process finds when it starts: the size of the caller's terminal, line feeds as its output takes them. */
export function adaptTerminal({ stdio: [stdin, stdout] }: Caller, master: number): void {
  copyWindowSize([stdin, stdout], master);
  // A file or a program wants the lines as they were written.
  if (!isTerminal(stdout)) keepLineFeeds(master);
}

/** Before anything is done: a terminal needs somewhere to go, and a console socket needs a terminal. */
export function checkConsole(terminal: boolean, { consoleSocket, keepTerminal }: ConsoleOptions): void {
  const refusal = (why: string) => new TsociError(why, { property: 'process.terminal' });
  if (terminal && !consoleSocket && !keepTerminal)
    throw refusal('a terminal is asked for: --console-socket is needed to hand it over');
  if (!terminal && consoleSocket) throw refusal('--console-socket is given, but no terminal is asked for');
}
