// The process of `tsoci serve`: it keeps workers going that share one listening socket.

import { closeSync, rmSync } from 'node:fs';
import { MSG_DONTWAIT, POLLIN, SIGCHLD } from '../linux/constants.ts';
import { closeDescriptor, poll } from '../linux/descriptor.ts';
import { messageOf } from '../linux/errors.ts';
import { syscall } from '../linux/ffi.ts';
import { identify, processStat } from '../linux/procfs.ts';
import { SYS } from '../linux/syscalls.ts';
import type { Caller } from './caller.ts';
import { isReplaced } from './gate.ts';
import { MOST_WORKERS, makeRecord, recordOf, type Server, ServerRecord } from './server-record.ts';
import { type Listening, listen } from './server-socket.ts';
import { isFatal } from './signals.ts';
import { needOf, startWorker, type Worker } from './worker-pool.ts';

/** Where a worker could not be started, or has ended before it was ready, none is started for that long, in milliseconds. */
const RECOVERY = 1000;

export interface ServeOptions {
  /** How many workers are free for who comes next. */
  workers: number;
  /** The server ends when nobody was served for that long, in milliseconds. */
  idle: number | undefined;
  /** Where it listens, if not where launchers look. */
  socket: string | undefined;
  version: string;
}

/** Serves until a signal ends it, or `idle`; the exit status. `ready` is called when launchers are answered. */
export function supervise(caller: Caller, options: ServeOptions, ready: () => void): number {
  caller.signals.hold();
  using socket = listen(caller, options.socket);
  using supervisor = new Supervisor(caller, socket, options);
  supervisor.tend();
  ready();
  while (!supervisor.done) {
    const { signals } = caller.signals.next(-1, (launcher) => supervisor.attend(launcher));
    if (signals.some(isFatal)) return 0;
    supervisor.tend();
  }
  return 0;
}

class Supervisor implements Disposable {
  /** Nobody came for long enough, or another build has taken the place of this one. */
  done = false;
  readonly #caller: Caller;
  readonly #socket: Listening;
  readonly #options: ServeOptions;
  readonly #record: ServerRecord;
  readonly #server: Server;
  /** By slot. */
  readonly #workers = new Map<number, Worker>();
  /** When to look at the workers again, in milliseconds from now. */
  #again = Number.POSITIVE_INFINITY;
  /** Before that time no worker is started. */
  #recovered = 0;

  constructor(caller: Caller, socket: Listening, options: ServeOptions) {
    this.#caller = caller;
    this.#socket = socket;
    this.#options = options;
    const { version } = options;
    this.#server = { ...identify(caller.pid), version, since: Date.now(), served: 0, refused: 0, gone: 0 };
    this.#record = new ServerRecord(makeRecord(recordOf(socket.path)));
    this.#record.writeServer(this.#server);
  }

  /** Waits for the reply of the launcher, which waits for signals; or has it reply, since there is something to do. */
  attend(launcher: number): void {
    const workers = [...this.#workers.values()];
    let milliseconds = this.#again;
    if (milliseconds === Number.POSITIVE_INFINITY) {
      for (const { line } of workers) forgetMessages(line);
      // Whoever has become busy before has told nothing that we have read.
      milliseconds = needOf(this.#record.workers(), this.#options.workers, Date.now()).again;
    }
    const tell = milliseconds === Number.POSITIVE_INFINITY ? POLLIN : 0;
    const least = Math.min(milliseconds, this.#untilIdle());
    const [replied] = poll(
      [{ fd: launcher, events: POLLIN }, ...workers.map(({ line }) => ({ fd: line, events: tell }))],
      least === Number.POSITIVE_INFINITY ? -1 : Math.max(0, least),
    );
    if (!replied) syscall(SYS.kill, this.#caller.pid, SIGCHLD);
  }

  /** Starts workers that are missing, and lets one go that is too many. */
  tend(): void {
    this.#forgetEnded();
    this.done ||= isReplaced() || this.#untilIdle() <= 0;
    if (this.done) return;
    const { start, retire, again } = needOf(this.#record.workers(), this.#options.workers, Date.now());
    if (retire !== undefined) this.#retire(retire);
    if (start > 0 && Date.now() >= this.#recovered && !this.#start(start)) this.#recover();
    this.#again = start > 0 ? Math.max(again, this.#recovered - Date.now()) : again;
  }

  [Symbol.dispose](): void {
    rmSync(recordOf(this.#socket.path), { force: true });
    for (const { line } of this.#workers.values()) closeDescriptor(line);
    closeSync(this.#record.fd);
  }

  /** Whether all of them could be started. A server without any ends in the error. */
  #start(count: number): boolean {
    const slots = Array.from({ length: MOST_WORKERS }, (_, i) => i + 1).filter((i) => !this.#workers.has(i));
    try {
      for (const slot of slots.slice(0, count))
        this.#workers.set(slot, startWorker(this.#caller, this.#socket.fd, this.#record, slot));
      return true;
    } catch (error) {
      if (this.#workers.size === 0) throw error;
      this.#caller.warn(`serve: start a worker: ${messageOf(error)}`);
      return false;
    }
  }

  /** It ends at once: it has been idle for long. If not, it ends after the command that has just come. */
  #retire(slot: number): void {
    const worker = this.#workers.get(slot);
    if (!worker || worker.line < 0) return;
    closeDescriptor(worker.line);
    this.#workers.set(slot, { ...worker, line: -1 });
  }

  #forgetEnded(): void {
    const records = this.#record.workers();
    for (const [slot, worker] of this.#workers) {
      if (processStat(worker.pid)) continue;
      this.#workers.delete(slot);
      this.#record.writeWorker(slot, undefined);
      closeDescriptor(worker.line);
      const counts = records.get(slot);
      for (const count of ['served', 'refused', 'gone'] as const) this.#server[count] += counts?.[count] ?? 0;
      this.#record.writeServer(this.#server);
      // The next would end in the same way.
      if (counts?.state === 'starting') this.#recover();
    }
  }

  #recover(): void {
    this.#recovered = Date.now() + RECOVERY;
  }

  /** Milliseconds until nobody was served for as long as it is to end then. */
  #untilIdle(): number {
    const { idle } = this.#options;
    if (idle === undefined) return Number.POSITIVE_INFINITY;
    const workers = [...this.#record.workers().values()];
    const busy = workers.some(({ state }) => state === 'busy');
    const last = Math.max(this.#server.since, ...workers.map(({ since }) => since));
    return busy ? idle : last + idle - Date.now();
  }
}

function forgetMessages(line: number): void {
  const message = Buffer.alloc(1);
  while (syscall(SYS.recvfrom, line, message, message.length, MSG_DONTWAIT, 0, 0) > 0);
}
