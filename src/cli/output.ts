// Writing to descriptors without Node's streams, which would make the caller's pipes and terminals non-blocking.

import { writeSync } from 'node:fs';
import { PIPE_BUF, POLLOUT } from '../linux/constants.ts';
import { poll } from '../linux/descriptor.ts';
import { EAGAIN, EINTR, EPIPE } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';

/** Nobody reads what is written any more: `tsoci list | head -1`. That is their wish, and no failure to tell of. */
export class ReaderGone extends TsociError {
  override name = 'ReaderGone';
}

/** Writes all of it, however long the reader takes. `name` is what an error calls the descriptor. */
export function writeAll(fd: number, text: string | Uint8Array, name = `descriptor ${fd}`): void {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'utf8') : text;
  for (let at = 0; at < bytes.length; ) {
    // Not in write(2), which would not give up when the caller is killed.
    poll([{ fd, events: POLLOUT }], -1);
    try {
      at += writeSync(fd, bytes, at, Math.min(PIPE_BUF, bytes.length - at));
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === EPIPE) throw new ReaderGone(`write to ${name}: nobody reads it`, { errno });
      if (errno !== EINTR && errno !== EAGAIN) throw TsociError.from(`write to ${name}`, error);
    }
  }
}
