// Text of files that others made: reading one neither waits for ever nor takes all memory.

import { closeSync, constants, openSync, readSync, type Stats, statSync } from 'node:fs';
import { readable } from './descriptor.ts';
import { EAGAIN, ENOENT, ENOTDIR } from './errno.ts';
import { errnoOf, TsociError } from './errors.ts';

/** Bytes. More than any configuration has, less than a process can hold. */
const MOST = 64 * 1024 * 1024;
const CHUNK = 65536;
/** Milliseconds within which somebody must open a FIFO to write to it. */
const FIRST_WRITER = 5000;

export interface Reading {
  /** Told when there is no such file. */
  hint?: string;
  /** Whether a FIFO is read too: for a file that the caller names, such as `<(jq …)` of a shell. */
  fifo?: boolean;
}

/**
 * The text of a regular file. Another kind of file is refused unread: a FIFO can block for ever, a device can be
 * without end or act when it is opened.
 */
export function readTextFile(path: string, { hint, fifo = false }: Reading = {}): string {
  const doing = `read ${path}`;
  let stat: Stats;
  let fd: number;
  try {
    stat = statSync(path);
    const kind = kindOf(stat);
    if (kind !== 'file' && !(fifo && kind === 'FIFO'))
      throw new TsociError(`${doing}: not a file but a ${kind}`);
    // O_NONBLOCK: opening a FIFO would wait for its other side.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    if (error instanceof TsociError) throw error;
    const missing = [ENOENT, ENOTDIR].includes(errnoOf(error) ?? 0);
    throw TsociError.from(doing, error, missing ? hint : undefined);
  }
  try {
    return readAll(fd, doing, stat);
  } finally {
    closeSync(fd);
  }
}

/** The text that comes from a descriptor of the caller's, whatever it is of. */
export function readTextFrom(fd: number, name: string): string {
  return readAll(fd, `read ${name}`);
}

/** With the `stat` of a FIFO that was just opened: an end of file before the first byte may only mean no writer yet. */
function readAll(fd: number, doing: string, stat?: Stats): string {
  const chunks: Buffer[] = [];
  let size = 0;
  let mayBeEarly = stat?.isFIFO() ?? false;
  for (;;) {
    const chunk = Buffer.allocUnsafe(Math.min(MOST, stat?.size || CHUNK) + 1);
    const length = readSome(fd, chunk, doing);
    if (length === 0 && !mayBeEarly) return Buffer.concat(chunks).toString();
    if (length === 0 && !readable(fd, FIRST_WRITER))
      throw new TsociError(`${doing}: nobody has written to this FIFO for ${FIRST_WRITER / 1000} s`);
    mayBeEarly = false;
    chunks.push(chunk.subarray(0, length));
    size += length;
    if (size > MOST) throw new TsociError(`${doing}: it is longer than ${MOST / 1024 / 1024} MiB`);
  }
}

/** The next bytes, waited for if the descriptor is non-blocking; 0 at the end of file. */
function readSome(fd: number, buffer: Buffer, doing: string): number {
  for (;;) {
    try {
      return readSync(fd, buffer);
    } catch (error) {
      if (errnoOf(error) !== EAGAIN) throw TsociError.from(doing, error);
      readable(fd, -1);
    }
  }
}

function kindOf(stat: Stats): string {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isFIFO()) return 'FIFO';
  if (stat.isSocket()) return 'socket';
  return 'device';
}
