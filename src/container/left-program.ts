// What init was left with, for --trace: it may have been made by a `create` that traced nothing.

import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { TsociError } from '../linux/errors.ts';
import { SYS, type SyscallName } from '../linux/syscalls.ts';
import { BUFFER_ADDRESS, BUFFER_SIZE, OPERATION_SIZE } from '../stub/encode.ts';
import type { Executor, Observer } from '../stub/observer.ts';
import { CONTINUE_ON_ERROR, type Operation } from '../stub/program.ts';
import { type SavedOperation, savedProgram } from './store.ts';

/** Tells the observer of the program that waits in init's memory; the result takes its reply. */
export function watchInit(observer: Observer, pid: number, directory: string): (reply: Buffer) => void {
  const executor: Executor = { pid, role: 'init' };
  const message = readMemory(pid);
  const saved = JSON.parse(readFileSync(savedProgram(directory), 'utf8')) as SavedOperation[];
  const operations = saved.map((operation, i): Operation => {
    const call = nameOf(Number(message.readBigInt64LE(i * OPERATION_SIZE)));
    const control = operation.ignored.length > 0 ? CONTINUE_ON_ERROR : 0;
    return { ...operation, call, args: [], control, opens: undefined, closes: undefined };
  });
  observer.sending(executor, { operations, message });
  return (reply) => observer.replied(executor, reply);
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
