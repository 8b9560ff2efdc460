// Whether anybody still wants what is being done. When the caller has been killed, whatever waits gives up at once, so that
// what was made is taken back.

import { POLLHUP } from './constants.ts';
import { TsociError } from './errors.ts';
import { syscall } from './ffi.ts';
import { SYS } from './syscalls.ts';

export class CallerGone extends TsociError {
  override name = 'CallerGone';

  constructor() {
    super('tsoci was killed');
  }
}

let caller: number | undefined;

/** From here on `socket` is looked at, whose other end closes with the caller; undefined: nothing any more. */
export function setCaller(socket: number | undefined): void {
  caller = socket;
}

/** What a poll(2) waits for besides: its hangup. */
export function callersHangup(): number | undefined {
  return caller;
}

/** Throws CallerGone, once: what is done then is wanted by nobody else, and must not give up. */
export function giveUp(): never {
  caller = undefined;
  throw new CallerGone();
}

/** Throws CallerGone if the caller has been killed, once. */
export function checkWanted(): void {
  if (caller !== undefined && isHungUp(caller)) giveUp();
}

export function isHungUp(socket: number): boolean {
  const pollfd = Buffer.alloc(8);
  pollfd.writeInt32LE(socket, 0);
  const now = Buffer.alloc(16);
  syscall(SYS.ppoll, pollfd, 1, now, 0, 0);
  return (pollfd.readInt16LE(6) & POLLHUP) !== 0;
}
