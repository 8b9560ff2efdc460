// What a server does, in a file beside its socket. Lines of JSON have one length, filled up with spaces: so each process
// writes its own at any time, and whoever reads needs no answer of anybody.
//
//   line 0      the server
//   line 1, …   a worker each; blank where there is none

import { openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { FALLOC_FL_KEEP_SIZE } from '../linux/constants.ts';
import { EOPNOTSUPP } from '../linux/errno.ts';
import { TsociError } from '../linux/errors.ts';
import { syscall } from '../linux/ffi.ts';
import { count, type Form, objectOf, text } from '../linux/form.ts';
import { isAlive, type ProcessIdentity } from '../linux/procfs.ts';
import { SYS } from '../linux/syscalls.ts';

/** How many workers a server has at most. */
export const MOST_WORKERS = 64;

const LINE = 1024;
/** What the line of an idle worker has in it. */
const IDLE = '"state":"idle"';
/** Characters of a command line: JSON has at most six bytes for each. */
const COMMAND = 120;

/** How many launchers were served, how many were no business of the server's, and how many had gone before they were greeted. */
export interface Counts {
  served: number;
  refused: number;
  gone: number;
}

/** `since` is in milliseconds since 1970. */
export interface WorkerRecord extends Counts {
  pid: number;
  state: 'starting' | 'idle' | 'busy';
  since: number;
  /** The arguments of the command that is served, or of the last one; cut if they are long. */
  command: string;
}

/** Counts are those of workers that have ended. */
export interface Server extends ProcessIdentity, Counts {
  version: string;
  since: number;
}

/** The file's path. */
export function recordOf(socket: string): string {
  return `${socket}.status`;
}

export function shortened(args: readonly string[]): string {
  const text = args.join(' ');
  return text.length > COMMAND ? `${text.slice(0, COMMAND - 1)}…` : text;
}

/** Makes an empty record with room for all lines: where the filesystem fills up later, they can still be written. */
export function makeRecord(path: string): number {
  rmSync(path, { force: true });
  const doing = `make ${path}`;
  let fd: number;
  try {
    fd = openSync(path, 'wx+', 0o600);
  } catch (error) {
    throw TsociError.from(doing, error);
  }
  const result = syscall(SYS.fallocate, fd, FALLOC_FL_KEEP_SIZE, 0, (MOST_WORKERS + 1) * LINE);
  if (result < 0 && result !== -EOPNOTSUPP) throw TsociError.fromErrno(doing, -result);
  return fd;
}

export class ServerRecord {
  readonly fd: number;
  /** What was read. It is kept, since each command reads. */
  readonly #text = Buffer.alloc((MOST_WORKERS + 1) * LINE);

  constructor(fd: number) {
    this.fd = fd;
  }

  writeServer(server: Server): void {
    this.#write(0, JSON.stringify(server));
  }

  /** Slots count from 1. */
  writeWorker(slot: number, worker: WorkerRecord | undefined): void {
    this.#write(slot, worker ? JSON.stringify(worker) : '');
  }

  /** By slot; empty where it cannot be read. */
  workers(): Map<number, WorkerRecord> {
    return workersIn(this.#read().toString('utf8'));
  }

  /** Whether a worker is idle: without the cost of parsing the lines. In strings of JSON such quotes have a backslash. */
  get anyIdle(): boolean {
    return this.#read().includes(IDLE);
  }

  #read(): Buffer {
    try {
      return this.#text.subarray(0, readSync(this.fd, this.#text, 0, this.#text.length, 0));
    } catch {
      return this.#text.subarray(0, 0);
    }
  }

  /** No command fails because nothing can be told of it. */
  #write(line: number, text: string): void {
    const bytes = Buffer.alloc(LINE, ' ');
    bytes.write(text);
    bytes.write('\n', LINE - 1);
    try {
      writeSync(this.fd, bytes, 0, LINE, line * LINE);
    } catch {
      // Whoever reads it sees what was there before.
    }
  }
}

/** The server whose socket is at that path, and its workers. Throws TsociError where there is none. */
export function readRecord(socket: string): { server: Server; workers: WorkerRecord[] } {
  const none = `serve: there is no server at ${socket}`;
  let lines: string;
  try {
    lines = readFileSync(recordOf(socket), 'utf8');
  } catch (error) {
    throw TsociError.from(none, error);
  }
  const server = parsed<Server>(lines.split('\n')[0], isServer);
  if (!server || !isAlive(server.pid, server.startTime)) throw new TsociError(none);
  return { server, workers: [...workersIn(lines).values()] };
}

function workersIn(lines: string): Map<number, WorkerRecord> {
  const found = new Map<number, WorkerRecord>();
  for (const [slot, line] of lines.split('\n').entries()) {
    const worker = slot > 0 ? parsed<WorkerRecord>(line, isWorker) : undefined;
    if (worker) found.set(slot, worker);
  }
  return found;
}

/** What Date can tell of, in milliseconds since 1970 (ECMAScript, "Time Values"). */
const LAST_TIME = 8.64e15;
const time: Form = (value) => count(value) && Number(value) <= LAST_TIME;
const counts = { served: count, refused: count, gone: count };
const isServer = objectOf<Server>({ ...counts, pid: count, startTime: count, version: text, since: time });
const states: readonly unknown[] = ['starting', 'idle', 'busy'];
const isWorker = objectOf<WorkerRecord>({
  ...counts,
  pid: count,
  state: (value) => states.includes(value),
  since: time,
  command: text,
});

/** A line that is being written may be cut; then it is as if there were none. */
function parsed<T>(line: string | undefined, form: Form): T | undefined {
  try {
    const value: unknown = JSON.parse(line ?? '');
    return form(value) ? (value as T) : undefined;
  } catch {
    return undefined;
  }
}
