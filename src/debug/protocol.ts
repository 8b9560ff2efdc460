// What a debugger and the command that it debugs tell each other: one JSON object a line, over a stream socket.
//
//   the command                                    the debugger
//   hello: what is being done, of which config
//   config: when it is read
//   stopped: why, and before which operation       a request
//   its answer                                     …
//                                                  step, next, continue, retry, skip, quit
//   going, and what comes of it
//   done: nothing more will stop
//
// The end of either side's socket: whoever made it is gone. Then the command gives up, and takes back what it has made.

import { POLLIN } from '../linux/constants.ts';
import { poll, receive, send } from '../linux/descriptor.ts';
import { ECONNRESET, EPIPE } from '../linux/errno.ts';
import { errnoOf } from '../linux/errors.ts';

/** An operation: a system call of a stub, or a step that is done on the host. */
export interface Operation {
  /** Its place among all, from 1. */
  number: number;
  /** boot, init, hook, exec, …; host. */
  role: string;
  pid?: number | undefined;
  /** The system call; undefined for a step on the host. */
  call?: string | undefined;
  /** The call with its arguments decoded, or the step in words. */
  text: string;
  /** What it is for, in the words of its error. */
  doing: string;
  property?: string | undefined;
  phase?: string | undefined;
  /** How many operations behind it go in one piece with it: nobody can stop between them. */
  together?: number | undefined;
  /** What has come of it: `7`, `-1 ENOENT (No such file or directory)`. */
  result?: string | undefined;
}

export type Reason = 'start' | 'breakpoint' | 'step' | 'error' | 'attached';

export type Event =
  | {
      event: 'hello';
      command: string;
      id: string;
      /** The runtime of the command, and the launcher that it works for. */
      pid: number;
      /** Whether it waits before anything is done. */
      waits: boolean;
    }
  | { event: 'config'; file: string; text: string }
  | {
      event: 'stopped';
      reason: Reason;
      breakpoints: number[];
      /** The operation that is next; at an error the one that failed last. */
      at: Operation | undefined;
      error?: string | undefined;
      property?: string | undefined;
      /** The process that is looked at: init once it is there, or who executes the operation. */
      process: number | undefined;
      init: number | undefined;
      /** The root of the container as the process sees it, until it is its root directory. */
      rootfs: string | undefined;
      /** The environment that the process will have, once that is known. */
      env: string[] | undefined;
      skippable: boolean;
      retryable: boolean;
    }
  | { event: 'warning'; message: string }
  /** Is about to execute its program, which then has the terminal. It waits for the request `ready`. */
  | { event: 'executing'; pid: number; path: string }
  | { event: 'undoing' }
  | { event: 'done' };

export type Answer =
  | { answer: 'break'; id: number; where: string; note?: string | undefined }
  | { answer: 'delete'; ids: number[] }
  | { answer: 'breakpoints'; breakpoints: { id: number; where: string; hits: number }[] }
  | { answer: 'list'; before: Operation[]; at: Operation | undefined; error: boolean; after: Operation[] }
  | { answer: 'edit'; changed: string[] }
  | { answer: 'going' }
  | { answer: 'refused'; message: string };

export type Request =
  | { request: 'break'; where: string }
  | { request: 'delete'; ids: number[] }
  | { request: 'breakpoints' }
  | { request: 'list'; count: number }
  | { request: 'step' | 'next'; count: number }
  | { request: 'continue' | 'retry' | 'skip' | 'edit' | 'quit' | 'ready' };

/** A socket that takes and gives messages. Its owner closes the descriptor. */
export class MessageSocket<Incoming, Outgoing> {
  readonly fd: number;
  #received = '';
  readonly #buffer = Buffer.alloc(0x10000);
  readonly #decoder = new TextDecoder();

  constructor(fd: number) {
    this.fd = fd;
  }

  /** False: the other side is gone. */
  send(message: Outgoing): boolean {
    const bytes = Buffer.from(`${JSON.stringify(message)}\n`);
    try {
      for (let at = 0; at < bytes.length; at += this.#buffer.length)
        send(this.fd, bytes.subarray(at, at + this.#buffer.length), 'tell the debugger');
      return true;
    } catch (error) {
      if ([EPIPE, ECONNRESET].includes(errnoOf(error) ?? 0)) return false;
      throw error;
    }
  }

  /** A message that is here already. */
  next(): Incoming | undefined {
    const end = this.#received.indexOf('\n');
    if (end < 0) return undefined;
    const line = this.#received.slice(0, end);
    this.#received = this.#received.slice(end + 1);
    return JSON.parse(line) as Incoming;
  }

  /** Takes in what there is to read. False: the other side is gone. */
  fill(): boolean {
    let length = 0;
    try {
      length = receive(this.fd, this.#buffer, 'hear from the debugger');
    } catch (error) {
      if (errnoOf(error) !== ECONNRESET) throw error;
    }
    this.#received += this.#decoder.decode(this.#buffer.subarray(0, length), { stream: true });
    return length > 0;
  }

  /** Waits for the next message. Undefined: the other side is gone. Throws CallerGone when the caller is killed meanwhile. */
  receive(): Incoming | undefined {
    for (;;) {
      const message = this.next();
      if (message) return message;
      poll([{ fd: this.fd, events: POLLIN }], -1);
      if (!this.fill()) return undefined;
    }
  }
}
