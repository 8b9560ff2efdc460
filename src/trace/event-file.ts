// A file of trace events in the JSON form that Chrome's tracing made known: an array, which Perfetto (ui.perfetto.dev) and
// chrome://tracing draw.
//
// The array is closed after each event, and the next one is written over its end: the file is whole whenever we are killed.
// Commands one after another, such as create and start, add to the same file.

import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { LOCK_EX, LOCK_NB, LOCK_UN } from '../linux/constants.ts';
import { TsociError } from '../linux/errors.ts';
import { syscall } from '../linux/ffi.ts';
import { SYS } from '../linux/syscalls.ts';
import { waitUntil } from '../linux/wait-until.ts';

/** What an event must have; more depends on its phase. Times are in microseconds. */
export interface TraceEvent {
  name: string;
  ph: 'X' | 'M' | 'i';
  pid: number;
  tid: number;
  ts?: number;
  [more: string]: unknown;
}

export interface EventFile extends Disposable {
  append(events: readonly TraceEvent[]): void;
}

const EMPTY = '[\n]\n';
const END = '\n]\n';
/** How long another command may take to write an event, in milliseconds. */
const PATIENCE = 1000;

export function openEventFile(path: string): EventFile {
  let fd: number;
  try {
    // Whoever reads a FIFO must not be waited for.
    fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK, 0o644);
  } catch (error) {
    throw TsociError.from(`open trace file ${path}`, error);
  }
  try {
    locked(path, fd, () => begin(path, fd));
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return {
    append: (events) => locked(path, fd, () => append(path, fd, events)),
    [Symbol.dispose]: () => closeSync(fd),
  };
}

function begin(path: string, fd: number): void {
  const stat = fstatSync(fd);
  if (!stat.isFile()) throw new TsociError(`trace file ${path}: trace events take a regular file`);
  if (stat.size === 0) write(path, fd, EMPTY, 0);
  else if (!endsAsArray(fd, stat.size))
    throw new TsociError(`trace file ${path}: it is there already, and no trace of tsoci`);
}

function endsAsArray(fd: number, size: number): boolean {
  const end = Buffer.alloc(END.length);
  return readSync(fd, end, 0, end.length, size - end.length) === end.length && end.toString() === END;
}

function append(path: string, fd: number, events: readonly TraceEvent[]): void {
  const { size } = fstatSync(fd);
  const separator = size === EMPTY.length ? '\n' : ',\n';
  const text = separator + events.map((event) => JSON.stringify(event)).join(',\n') + END;
  try {
    write(path, fd, text, size - END.length);
  } catch (error) {
    ftruncateSync(fd, size - END.length);
    writeSync(fd, END, size - END.length);
    throw error;
  }
}

function write(path: string, fd: number, text: string, position: number): void {
  const bytes = Buffer.from(text);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, position + at);
  } catch (error) {
    throw TsociError.from(`write trace file ${path}`, error);
  }
}

/** Not in flock(2) itself, which would not give up. */
function locked(path: string, fd: number, act: () => void): void {
  if (!waitUntil(() => syscall(SYS.flock, fd, LOCK_EX | LOCK_NB) === 0, PATIENCE))
    throw new TsociError(`trace file ${path}: another command has it locked`);
  try {
    act();
  } finally {
    syscall(SYS.flock, fd, LOCK_UN);
  }
}
