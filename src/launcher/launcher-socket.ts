// Programs for the launcher, which is a stub, and descriptors to it.

import { MSG_CMSG_CLOEXEC, POLLIN } from '../linux/constants.ts';
import {
  check,
  closeDescriptor,
  MOST_RIGHTS,
  poll,
  receive,
  rightsIn,
  rightsMessage,
  send,
  sendDescriptors,
} from '../linux/descriptor.ts';
import { ECHILD, ECONNRESET, EMFILE, EPIPE } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import { type WaitStatus, waitStatus } from '../linux/wait.ts';
import { CallerGone, giveUp, isHungUp } from '../linux/wanted.ts';
import { type Encoded, encode } from '../stub/encode.ts';
import { executableImage } from '../stub/executable-image.ts';
import { DescriptorTable, Program, Structure } from '../stub/program.ts';
import { Results } from '../stub/results.ts';
import type { Request } from './request.ts';

/** How long a process may take to end that is reaped by others, in milliseconds. */
const END_TIMEOUT = 10_000;

export class LauncherSocket {
  readonly pid: number;
  /** The number in the launcher of its end of the socket. */
  readonly control: number;
  /** Our end of the socket. */
  readonly socket: number;
  readonly #stdio: readonly number[];
  /** What was sent whose results nobody waits for, until they are received. */
  #unanswered: Encoded | undefined;
  /** The number in the launcher of the stub's image. */
  #image: number | undefined;

  constructor(socket: number, { pid, control, stdio }: Pick<Request, 'pid' | 'control' | 'stdio'>) {
    this.socket = socket;
    this.pid = pid;
    this.control = control;
    this.#stdio = stdio;
  }

  /** An empty program for the launcher. The numbers of its descriptors are not known: it may have any. */
  program(): Program {
    return new Program(new DescriptorTable([]));
  }

  /** `meanwhile` is called for the time of the wait: it returns when its descriptor has something to read. */
  run(program: Program, meanwhile?: (socket: number) => void): Results {
    const encoded = this.send(program);
    meanwhile?.(this.socket);
    return this.#results(program, encoded);
  }

  send(program: Program): Encoded {
    this.#settle();
    const encoded = encode(program.operations);
    try {
      send(this.socket, encoded.message, 'send a program to the launcher');
    } catch (error) {
      if (errnoOf(error) === EPIPE) giveUp();
      throw error;
    }
    return encoded;
  }

  /** Has a program executed whose results do not matter. */
  leave(program: Program): void {
    this.#unanswered = this.send(program);
  }

  #settle(): void {
    const sent = this.#unanswered;
    this.#unanswered = undefined;
    if (sent) this.receive(sent);
  }

  #results({ operations }: Program, encoded: Encoded): Results {
    const results = new Results();
    results.add(operations, this.receive(encoded), encoded.offsets, new DescriptorTable([]));
    return results;
  }

  /** The reply to a program, as it is. */
  receive({ message }: Encoded): Buffer {
    const reply = Buffer.alloc(message.length);
    let length = 0;
    try {
      length = receive(this.socket, reply, 'receive the results of the launcher');
    } catch (error) {
      if (errnoOf(error) !== ECONNRESET) throw error;
    }
    if (length === 0) giveUp();
    return reply.subarray(0, length);
  }

  get alive(): boolean {
    return !isHungUp(this.socket);
  }

  /** The numbers in the launcher of copies of descriptors of ours. */
  lend(descriptors: readonly number[]): number[] {
    const numbers: number[] = [];
    for (let at = 0; at < descriptors.length; at += MOST_RIGHTS) {
      const some = descriptors.slice(at, at + MOST_RIGHTS);
      const control = Buffer.alloc(rightsMessage(some).length);
      const vector = new Structure([Buffer.alloc(1), 1]);
      const message = new Structure([null, 0, vector, 1, control, control.length, 0]);
      const program = this.program();
      const doing = 'receive descriptors in the launcher';
      program.call('recvmsg', [this.control, message, MSG_CMSG_CLOEXEC], doing);
      const encoded = this.send(program);
      sendDescriptors(this.socket, Buffer.alloc(1), some, 'send descriptors to the launcher');
      numbers.push(...rightsIn(this.#results(program, encoded).bytes(control)));
    }
    if (numbers.length < descriptors.length)
      throw TsociError.fromErrno('start a stub', EMFILE, 'raise RLIMIT_NOFILE');
    return numbers;
  }

  takeBack(numbers: readonly number[]): void {
    const program = this.program();
    for (const number of numbers) program.close(number);
    if (program.length > 0) this.leave(program);
  }

  /** What of ours the launcher has itself: its number there. */
  own(descriptor: number): number | undefined {
    const number = this.#stdio.indexOf(descriptor);
    return number < 0 ? undefined : number;
  }

  /** As lend, and the number in the launcher of the stub to execute, which it keeps. */
  lendWithImage(descriptors: readonly number[]): { lent: number[]; image: number } {
    if (this.#image !== undefined) return { lent: this.lend(descriptors), image: this.#image };
    using executable = executableImage();
    const [image = -1, ...lent] = this.lend([executable.fd, ...descriptors]);
    this.#image = image;
    return { lent, image };
  }

  /** See Launcher. */
  reap(pid: number): void {
    const program = this.program();
    program.call('wait4', [pid, null, 0, 0], `wait for process ${pid}`);
    this.leave(program);
  }

  /** See Launcher. */
  wait(pid: number): WaitStatus {
    const status = Buffer.alloc(4);
    const program = this.program();
    program.call('wait4', [pid, status, 0, 0], `wait for process ${pid}`);
    try {
      return waitStatus(this.run(program).bytes(status));
    } catch (error) {
      if (error instanceof CallerGone) awaitEnd(pid);
      else if (errnoOf(error) !== ECHILD) throw error;
      return { code: 0, signal: 0 };
    }
  }
}

/** Waits for a process that is no child of ours. */
function awaitEnd(pid: number): void {
  let pidfd: number;
  try {
    pidfd = check(`open process ${pid}`, 'pidfd_open', pid, 0);
  } catch {
    return;
  }
  poll([{ fd: pidfd, events: POLLIN }], END_TIMEOUT);
  closeDescriptor(pidfd);
}
