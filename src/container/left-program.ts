// What init was left with, for --trace: it may have been made by a `create` that traced nothing.

import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { TsociError } from '../linux/errors.ts';
import { SYS, type SyscallName } from '../linux/syscalls.ts';
import { BUFFER_ADDRESS, BUFFER_SIZE, OPERATION_SIZE, resultAt } from '../stub/encode.ts';
import type { Executor, Observer } from '../stub/observer.ts';
import { CONTINUE_ON_ERROR, type Operation } from '../stub/program.ts';
import { type SavedOperation, savedProgram } from './store.ts';

/** The call of the program that waits for `start` (waitForStart): the second. */
const ACCEPT = 1;
/** Milliseconds that init may take to get there, and between two looks. */
const PATIENCE = 5000;
const PAUSE = 1;

/** Tells the observer of the program that waits in init's memory; the result takes its reply. */
export function watchInit(observer: Observer, pid: number, directory: string): (reply: Buffer) => void {
  const executor: Executor = { pid, role: 'init' };
  const message = waitingMessage(pid);
  const saved = JSON.parse(readFileSync(savedProgram(directory), 'utf8')) as SavedOperation[];
  const operations = saved.map((operation, i): Operation => {
    const call = nameOf(Number(message.readBigInt64LE(i * OPERATION_SIZE)));
    const control = operation.ignored.length > 0 ? CONTINUE_ON_ERROR : 0;
    return { ...operation, call, args: [], control, opens: undefined, closes: undefined };
  });
  observer.sending(executor, { operations, message });
  return (reply) => observer.replied(executor, reply);
}

/**
 * The program once init executes it. `start` may be faster than that: a connection waits until it is accepted, and
 * what is in the buffer before then is the program before.
 */
function waitingMessage(pid: number): Buffer {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (const end = Date.now() + PATIENCE; ; Atomics.wait(pause, 0, 0, PAUSE)) {
    const message = readMemory(pid);
    // The result, a descriptor above the standard streams, is where the control bits were.
    const accepted = nameOf(Number(message.readBigInt64LE(ACCEPT * OPERATION_SIZE))) === 'accept4';
    if (accepted && resultAt(message, ACCEPT) > 2) return message;
    if (Date.now() > end) throw new TsociError(`trace init ${pid}: it does not come to wait for start`);
  }
}

/** The stub's buffer, from outside (proc_pid_mem(5)). */
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

function nameOf(number: number): Operation['call'] {
  const found = Object.entries(SYS).find(([, known]) => known === number);
  return found ? (found[0] as SyscallName) : 'set_control';
}
