// Receiving from who may be held up: whoever waits looks each second whether the outcome is wanted still.

import { SO_RCVTIMEO, SOL_SOCKET } from './constants.ts';
import { check } from './descriptor.ts';
import { EAGAIN, ECONNRESET } from './errno.ts';
import { errnoOf } from './errors.ts';
import { checkWanted } from './wanted.ts';

/** Seconds between two looks. */
const LOOK = 1n;

/** Has receives on a socket fail with EAGAIN after a second, as `patiently` needs it. */
export function boundReceives(socket: number): void {
  const timeval = Buffer.alloc(16);
  timeval.writeBigInt64LE(LOOK);
  check('bound receives', 'setsockopt', socket, SOL_SOCKET, SO_RCVTIMEO, timeval, timeval.length);
}

/** What comes of receiving from such a socket; undefined when the other end has closed before it had read all. */
export function patiently<T>(receiving: () => T): T | undefined {
  for (;;) {
    try {
      return receiving();
    } catch (error) {
      if (errnoOf(error) === ECONNRESET) return undefined;
      if (errnoOf(error) !== EAGAIN) throw error;
      checkWanted();
    }
  }
}
