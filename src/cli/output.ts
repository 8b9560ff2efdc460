// Writing to descriptors without Node's streams, which would make the caller's pipes and terminals non-blocking.

import { writeSync } from 'node:fs';
import { EAGAIN, EINTR, EPIPE } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import { pause } from '../linux/sleep.ts';

/** Milliseconds between two tries on a descriptor that its owner made non-blocking and that is full. */
const PAUSE = 2;

/** Nobody reads what is written any more: `tsoci list | head -1`. That is their wish, and no failure to tell of. */
export class ReaderGone extends TsociError {
  override name = 'ReaderGone';
}

/** Writes all of it, however long the reader takes. `name` is what an error calls the descriptor. */
export function writeAll(fd: number, text: string | Uint8Array, name = `descriptor ${fd}`): void {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'utf8') : text;
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === EAGAIN) pause(PAUSE);
      else if (errno === EPIPE) throw new ReaderGone(`write to ${name}: nobody reads it`, { errno });
      else if (errno !== EINTR) throw TsociError.from(`write to ${name}`, error);
    }
  }
}
