// Where the master of a container's terminal goes: the console socket of the engine, or `run` itself.

import { closeDescriptor } from '../../linux/descriptor.ts';
import { TsociError } from '../../linux/errors.ts';
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
    if (!consoleSocket) throw new TsociError('process.terminal is set: --console-socket is needed');
    sendDescriptorTo(consoleSocket, '/dev/ptmx', master, 'the terminal');
  } finally {
    closeDescriptor(master);
  }
}

/** Before anything is done: a terminal needs somewhere to go, and a console socket needs a terminal. */
export function checkConsole(terminal: boolean, { consoleSocket, keepTerminal }: ConsoleOptions): void {
  if (terminal && !consoleSocket && !keepTerminal) {
    throw new TsociError('process.terminal is set: --console-socket is needed to hand the terminal over');
  }
  if (!terminal && consoleSocket)
    throw new TsociError('--console-socket is given, but process.terminal is not set');
}
