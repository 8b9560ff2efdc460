// The program that init was left with, for a `start` that is traced. The `create` that left it was another process, so its
// arguments are read from the memory of init.

import { closeSync, openSync, readSync } from 'node:fs';
import { TsociError } from '../../linux/errors.ts';
import { syscallName } from '../../linux/syscall-names.ts';
import { waitUntil } from '../../linux/wait-until.ts';
import { BUFFER_ADDRESS, BUFFER_SIZE, callAt, resultAt } from '../../stub/encode.ts';
import type { Executor, Observer } from '../../stub/observer.ts';
import { CONTINUE_ON_ERROR, type Operation } from '../../stub/program.ts';
import type { SavedOperation } from '../state/record.ts';
import { WAIT_FOR_START } from './wait-for-start.ts';

/** How long init may take to get there, in milliseconds. */
const TIMEOUT = 5000;

/** Tells the observer of the program that waits in init's memory; the result takes the reply to it. */
export function watchInit(
  observer: Observer,
  pid: number,
  program: readonly SavedOperation[],
): (reply: Buffer) => void {
  const executor: Executor = { pid, role: 'init', control: -1 };
  const accept = program.findIndex(({ doing }) => doing === WAIT_FOR_START);
  const message = observer.decodes ? waitingMessage(pid, accept) : undefined;
  const operations = program.map((operation, i): Operation => {
    const call = (message && syscallName(callAt(message, i))) ?? 'set_control';
    const control = operation.ignored.length > 0 ? CONTINUE_ON_ERROR : 0;
    return { ...operation, call, args: [], control, opens: undefined, closes: undefined };
  });
  observer.sending(executor, { operations, message: message ?? Buffer.alloc(0) });
  return (reply) => observer.replied(executor, reply);
}

/**
 * The message of the program, once init executes it. `start` may come before that: until init waits for a connection, its
 * buffer has the program before. `accept` is the index of the call that waits.
 */
function waitingMessage(pid: number, accept: number): Buffer {
  let message: Buffer = Buffer.alloc(0);
  const accepted = () => {
    message = readMemory(pid);
    // Where the control bits were there is the result by then: a descriptor above the standard streams.
    return syscallName(callAt(message, accept)) === 'accept4' && resultAt(message, accept) > 2;
  };
  if (!waitUntil(accepted, TIMEOUT))
    throw new TsociError(`trace init ${pid}: it does not come to wait for start`);
  return message;
}

/** The stub's buffer, read through /proc (proc_pid_mem(5)). */
function readMemory(pid: number): Buffer {
  const path = `/proc/${pid}/mem`;
  const buffer = Buffer.alloc(BUFFER_SIZE);
  try {
    const fd = openSync(path, 'r');
    try {
      readSync(fd, buffer, 0, buffer.length, BUFFER_ADDRESS);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw TsociError.from(`read ${path}`, error);
  }
  return buffer;
}
