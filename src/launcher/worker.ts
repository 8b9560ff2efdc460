// A worker of a server: it serves one launcher after another, each as a runtime of its own would.

import { writeSync } from 'node:fs';
import { F_SETFD, FD_CLOEXEC, MSG_DONTWAIT, MSG_NOSIGNAL, SOCK_CLOEXEC } from '../linux/constants.ts';
import { check, closeDescriptor, makeNonBlocking, send } from '../linux/descriptor.ts';
import { syscall } from '../linux/ffi.ts';
import { fieldOf } from '../linux/procfs.ts';
import { SYS } from '../linux/syscalls.ts';
import { isHungUp } from '../linux/wanted.ts';
import { isReplaced, statusOfServed } from './gate.ts';
import { LauncherProcess } from './launcher-process.ts';
import { Leftovers } from './leftovers.ts';
import { type Request, receiveRequest } from './request.ts';
import { ServerRecord, shortened, type WorkerRecord } from './server-record.ts';
import { GREETING } from './server-socket.ts';
import { Waiting } from './waiting.ts';
import { LINE, LISTENER, RECORD } from './worker-pool.ts';

/** What a command came to; after an internal error nothing is sure of this process any more. */
export interface Outcome {
  status: number;
  sound: boolean;
}

export type Serve = (request: Request, launcher: LauncherProcess) => Promise<Outcome>;

const STDERR = 2;
/** How long a launcher that was greeted may take to send its request, in milliseconds. */
const REQUEST_TIMEOUT = 1000;
/** A worker that has had nothing to do for so long clears away what commands have left, in milliseconds. */
const QUIET = 1000;
/** So does one that has served that many in a row. It takes about 10 ms. */
const MANY = 500;

/** Serves until the server ends, or a command in an internal error: the server starts another then. */
export async function work(serve: Serve, slot: number): Promise<void> {
  for (const fd of [LISTENER, LINE, RECORD])
    check('mark a descriptor close-on-exec', 'fcntl', fd, F_SETFD, FD_CLOEXEC);
  makeNonBlocking(LISTENER);
  await new Worker(serve, slot).work();
}

class Worker {
  readonly #serve: Serve;
  readonly #slot: number;
  readonly #record = new ServerRecord(RECORD);
  readonly #now: WorkerRecord;
  readonly #waiting = new Waiting(LISTENER, LINE);
  readonly #leftovers = new Leftovers();

  constructor(serve: Serve, slot: number) {
    this.#serve = serve;
    this.#slot = slot;
    const counts = { served: 0, refused: 0, gone: 0 };
    this.#now = { pid: process.pid, state: 'idle', since: Date.now(), command: '', ...counts };
  }

  async work(): Promise<void> {
    this.#become('idle');
    for (let littered = 0; ; ) {
      const come = this.#waiting.next(littered > 0 ? QUIET : -1);
      if (come === 'end') return;
      if (come === 'launcher' && !(await this.#accept())) return;
      littered++;
      if (come === 'nothing' || littered === MANY) {
        collectGarbage();
        // Where it could not be written before.
        this.#record.writeWorker(this.#slot, this.#now);
        littered = 0;
      }
    }
  }

  /** Whether the worker can go on. */
  async #accept(): Promise<boolean> {
    const socket = syscall(SYS.accept4, LISTENER, 0, 0, SOCK_CLOEXEC);
    // Another worker has taken it, or it has gone.
    if (socket < 0) return true;
    let sound = false;
    try {
      sound = await this.#greet(socket);
    } finally {
      closeDescriptor(socket);
    }
    return sound && this.#isClean();
  }

  /** A process that holds the other end of a socket would wait for ever for the end of ours: it comes with the worker's. */
  #isClean(): boolean {
    const left = this.#leftovers.find();
    if (left.length > 0) tell(`"${this.#now.command}" has left open ${left.join(', ')}`);
    return left.length === 0;
  }

  async #greet(socket: number): Promise<boolean> {
    if (isHungUp(socket)) return this.#count('gone');
    const status = statusOfServed(socket);
    if (status === undefined) return this.#count('refused') && !isReplaced();
    let request: Request;
    try {
      send(socket, GREETING, 'greet the launcher');
      request = receiveRequest(socket, REQUEST_TIMEOUT);
    } catch {
      // It has not waited, or does not go on: then it has a runtime of its own.
      return this.#count('gone');
    }
    this.#become('busy', shortened(request.args));
    this.#tellIfLast();
    return await this.#run(request, new LauncherProcess(socket, request, status));
  }

  async #run(request: Request, launcher: LauncherProcess): Promise<boolean> {
    // Files have the mode that they would have if the caller made them.
    process.umask(Number.parseInt(fieldOf(launcher.status, 'Umask') ?? '077', 8));
    const { status, sound } = await this.#serve(request, launcher);
    // Before the launcher ends: who waits for the end of what it gave to the launcher must not wait for us.
    for (const fd of request.stdio) closeDescriptor(fd);
    this.#now.served++;
    this.#become('idle');
    try {
      launcher.exit(status, process.pid);
    } catch {
      // It has been killed.
    }
    return sound;
  }

  #become(state: WorkerRecord['state'], command = this.#now.command): void {
    Object.assign(this.#now, { state, command, since: Date.now() });
    this.#record.writeWorker(this.#slot, this.#now);
  }

  /** The worker goes on. */
  #count(what: 'refused' | 'gone'): true {
    this.#now[what]++;
    this.#record.writeWorker(this.#slot, this.#now);
    return true;
  }

  /** The server looks at once, and after a while, whether others must be started. It has been told if it does not take this. */
  #tellIfLast(): void {
    if (this.#record.anyIdle) return;
    syscall(SYS.sendto, LINE, Buffer.alloc(1), 1, MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0);
  }
}

/** Whoever has started the server is told. */
function tell(message: string): void {
  try {
    writeSync(STDERR, `tsoci: ${message}\n`);
  } catch {
    // It does not listen.
  }
}

/** Bun's engine collects when it has grown by much; Node's does well by itself. */
function collectGarbage(): void {
  (globalThis as { Bun?: { gc(synchronously: boolean): void } }).Bun?.gc(true);
}
