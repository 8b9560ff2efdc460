// Where the master of a container's terminal goes: the console socket of the engine, or `run` itself.

import { resolve } from 'node:path';
import type { Caller } from '../../linux/caller.ts';
import { closeDescriptor, sendDescriptors } from '../../linux/descriptor.ts';
import { TsociError } from '../../linux/errors.ts';
import { connectTo } from '../../linux/unix-socket.ts';

export interface ConsoleOptions {
  /** The path of a listening stream socket. */
  consoleSocket?: string | undefined;
  takeTerminal?: ((master: number) => void) | undefined;
}

/** Sends the descriptor of the master with the name /dev/ptmx as the message, as engines expect it. */
export function passConsole(
  caller: Caller,
  master: number,
  { consoleSocket, takeTerminal }: ConsoleOptions,
): void {
  if (takeTerminal) return takeTerminal(master);
  try {
    if (!consoleSocket) throw new TsociError('process.terminal is set: --console-socket is needed');
    const path = resolve(caller.cwd, consoleSocket);
    const socket = connectTo(path, 'stream');
    try {
      sendDescriptors(socket, Buffer.from('/dev/ptmx'), [master], `send the terminal to ${path}`);
    } finally {
      closeDescriptor(socket);
    }
  } finally {
    closeDescriptor(master);
  }
}

/** Before anything is done: a terminal needs somewhere to go, and a console socket needs a terminal. */
export function checkConsole(terminal: boolean, { consoleSocket, takeTerminal }: ConsoleOptions): void {
  if (terminal && !consoleSocket && !takeTerminal) {
    throw new TsociError('process.terminal is set: --console-socket is needed to hand the terminal over');
  }
  if (!terminal && consoleSocket)
    throw new TsociError('--console-socket is given, but process.terminal is not set');
}
