// Whether anybody still wants what is being done. When the caller has been killed, or was sent a signal that is to
// end it, whatever waits gives up, so that what was made is taken back.

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
let endingSignal: (() => number | undefined) | undefined;

/** From here on `socket` is looked at, whose other end closes with the caller; undefined: nothing any more. */
export function setCaller(socket: number | undefined): void {
  caller = socket;
  endingSignal = undefined;
}

/** From here on it is asked for a signal that is to end us; undefined: not any more. It may take the launcher, if that is idle. */
export function setEndingSignal(ask: (() => number | undefined) | undefined): void {
  endingSignal = ask;
}

/** What a poll(2) waits for besides: its hangup. */
export function callersHangup(): number | undefined {
  return caller;
}

/** From here on nothing gives up: what was made is taken back. */
export function neverGiveUp(): void {
  caller = undefined;
  endingSignal = undefined;
}

/** Throws CallerGone, once. */
export function giveUp(): never {
  neverGiveUp();
  throw new CallerGone();
}

/** Throws CallerGone if the caller has been killed. Signals take an exchange with the launcher: they are left for later. */
export function checkCaller(): void {
  if (caller !== undefined && isHungUp(caller)) giveUp();
}

/** Throws CallerGone if the caller has been killed, another error if it was sent a signal that is to end it; once. */
export function checkWanted(): void {
  checkCaller();
  const signal = endingSignal?.();
  if (signal === undefined) return;
  endingSignal = undefined;
  throw new TsociError(`tsoci was sent signal ${signal}`);
}

export function isHungUp(socket: number): boolean {
  const pollfd = Buffer.alloc(8);
  pollfd.writeInt32LE(socket, 0);
  const now = Buffer.alloc(16);
  syscall(SYS.ppoll, pollfd, 1, now, 0, 0);
  return (pollfd.readInt16LE(6) & POLLHUP) !== 0;
}
