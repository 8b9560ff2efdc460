// The workers of a server: how many there are to be, and how one is started and let go.
//
// A worker has three descriptors beside 0 to 2: the listening socket, its line, and the record (server-record.ts). It ends when
// the other end of its line is closed, after the command that it serves. It sends a message on it when no worker is idle any more.

import { O_CLOEXEC, SOCK_SEQPACKET } from '../linux/constants.ts';
import { closeDescriptor, socketPair } from '../linux/descriptor.ts';
import { stringArray } from '../stub/program.ts';
import { StubProcess } from '../stub/stub-process.ts';
import type { Caller } from './caller.ts';
import { MOST_WORKERS, type ServerRecord, type WorkerRecord } from './server-record.ts';

/** What a worker has where a cold runtime has its launcher. */
export const LISTENER = 3;
export const LINE = 4;
export const RECORD = 5;

/** A command that lasts longer holds its worker, in milliseconds: others are served by another. */
const HELD = 100;
/** How long a worker is kept idle that is one too many, in milliseconds. */
const SURPLUS = 10_000;

/**
 * JavaScriptCore compiles a function after so many calls, and compiles it well after more. By default that is long after a
 * worker has served its first hundred commands, in each of which most functions are called once.
 */
const ENGINE = [
  'BUN_JSC_thresholdForJITAfterWarmUp=50',
  'BUN_JSC_thresholdForOptimizeAfterWarmUp=200',
  'BUN_JSC_thresholdForOptimizeAfterLongWarmUp=200',
  'BUN_JSC_thresholdForOptimizeSoon=200',
];

/** What is to be done with the workers, and when to look at them again: Infinity is when one tells that none is idle. */
export interface Need {
  start: number;
  /** The slot of a worker that is to end. */
  retire?: number;
  /** In milliseconds. */
  again: number;
}

/** `count` is how many workers are to be free. One is also while it serves a command that may soon be done. */
export function needOf(workers: ReadonlyMap<number, WorkerRecord>, count: number, now: number): Need {
  const all = [...workers].map(([slot, { state, since }]) => ({ slot, state, age: now - since }));
  const free = all.filter(({ state, age }) => state !== 'busy' || age < HELD);
  const start = Math.max(0, Math.min(count - free.length, MOST_WORKERS - all.length));
  if (start > 0) return { start, again: HELD };
  const [oldest] = all.filter(({ state }) => state === 'idle').sort((a, b) => b.age - a.age);
  if (!oldest) return { start, again: free.length > 0 ? HELD : Number.POSITIVE_INFINITY };
  if (free.length <= count) return { start, again: Number.POSITIVE_INFINITY };
  if (oldest.age < SURPLUS) return { start, again: SURPLUS - oldest.age };
  return { start, retire: oldest.slot, again: SURPLUS };
}

export interface Worker {
  readonly pid: number;
  /** Our end of its line. */
  readonly line: number;
}

/** Executes the runtime as the worker of that slot. */
export function startWorker(caller: Caller, listener: number, record: ServerRecord, slot: number): Worker {
  const [line, its] = socketPair(SOCK_SEQPACKET);
  try {
    const extra = [listener, its, record.fd];
    const stub = StubProcess.spawn(caller.launcher, { stdio: caller.stdio, role: 'worker', extra });
    const counts = { served: 0, refused: 0, gone: 0 };
    record.writeWorker(slot, { pid: stub.pid, state: 'starting', since: Date.now(), command: '', ...counts });
    executeRuntime(stub, slot);
    return { pid: stub.pid, line };
  } catch (error) {
    closeDescriptor(line);
    record.writeWorker(slot, undefined);
    throw error;
  } finally {
    closeDescriptor(its);
  }
}

function executeRuntime(stub: StubProcess, slot: number): void {
  const program = stub.program();
  program.call('setsid', [], 'start a session');
  program.call('chdir', ['/'], 'change to /');
  // The control socket makes room: it is closed by execve(2).
  const control = stub.extra(RECORD - LISTENER) + 1;
  program.duplicate(stub.control, control, O_CLOEXEC);
  program.setControl(control);
  [LISTENER, LINE, RECORD].forEach((number, i) => {
    program.duplicate(stub.extra(i), number, 0);
  });
  const path = process.execPath;
  const words = stringArray(['tsoci-worker', String(slot)]);
  program.call('execve', [path, words, stringArray(ENGINE)], `execute ${path}`);
  stub.exec(program);
}
