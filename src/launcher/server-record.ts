// What a server does, in a file beside its socket. Lines of JSON have one length, filled up with spaces: so each process
// writes its own at any time, and whoever reads needs no answer of anybody.
//
//   line 0      the server
//   line 1, …   a worker each; blank where there is none

import { readFileSync, readSync, writeSync } from 'node:fs';
import { TsociError } from '../linux/errors.ts';
import { isAlive, type ProcessIdentity } from '../linux/procfs.ts';

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

  /** By slot. */
  workers(): Map<number, WorkerRecord> {
    return workersIn(this.#read().toString('utf8'));
  }

  /** Whether a worker is idle: without the cost of parsing the lines. In strings of JSON such quotes have a backslash. */
  get anyIdle(): boolean {
    return this.#read().includes(IDLE);
  }

  #read(): Buffer {
    return this.#text.subarray(0, readSync(this.fd, this.#text, 0, this.#text.length, 0));
  }

  #write(line: number, text: string): void {
    const bytes = Buffer.alloc(LINE, ' ');
    bytes.write(text);
    bytes.write('\n', LINE - 1);
    writeSync(this.fd, bytes, 0, LINE, line * LINE);
  }
}

/** The server whose socket is at that path, and its workers. Throws TsociError where there is none. */
export function readRecord(socket: string): { server: Server; workers: WorkerRecord[] } {
  const none = `serve: there is no server at ${socket}`;
  let text: string;
  try {
    text = readFileSync(recordOf(socket), 'utf8');
  } catch (error) {
    throw TsociError.from(none, error);
  }
  const server = parsed<Server>(text.split('\n')[0]);
  if (!server || !isAlive(server.pid, server.startTime)) throw new TsociError(none);
  return { server, workers: [...workersIn(text).values()] };
}

function workersIn(text: string): Map<number, WorkerRecord> {
  const found = new Map<number, WorkerRecord>();
  for (const [slot, line] of text.split('\n').entries()) {
    const worker = slot > 0 ? parsed<WorkerRecord>(line) : undefined;
    if (worker) found.set(slot, worker);
  }
  return found;
}

/** Our own processes have written it; a line that is being written may be cut. */
function parsed<T>(line: string | undefined): T | undefined {
  try {
    return line === undefined ? undefined : (JSON.parse(line) as T);
  } catch {
    return undefined;
  }
}
