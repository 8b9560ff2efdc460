// What a worker waits for between two commands (epoll(7)).

import { EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLLEXCLUSIVE, EPOLLIN } from '../linux/constants.ts';
import { check } from '../linux/descriptor.ts';

const doing = 'wait for a launcher';

/** struct epoll_event: events, and data of 64 bits, which the kernel does not align on x86-64. */
const EVENT_SIZE = process.arch === 'x64' ? 12 : 16;
const DATA_OFFSET = EVENT_SIZE - 8;

export class Waiting {
  readonly #epoll = check(doing, 'epoll_create1', EPOLL_CLOEXEC);
  readonly #line: number;

  /** `line` is to be hung up: nothing is read from it. */
  constructor(listener: number, line: number) {
    this.#line = line;
    // Of all the workers that wait, one is woken for each launcher.
    this.#add(listener, EPOLLIN | EPOLLEXCLUSIVE);
    this.#add(line, 0);
  }

  /** Waits that many milliseconds at most; -1: for ever. 'end': the line is hung up. */
  next(milliseconds: number): 'launcher' | 'end' | 'nothing' {
    const events = Buffer.alloc(2 * EVENT_SIZE);
    const count = check(doing, 'epoll_pwait', this.#epoll, events, 2, milliseconds, 0, 0);
    const come = Array.from({ length: count }, (_, i) => events.readUInt32LE(i * EVENT_SIZE + DATA_OFFSET));
    if (come.includes(this.#line)) return 'end';
    return count > 0 ? 'launcher' : 'nothing';
  }

  #add(fd: number, wanted: number): void {
    const event = Buffer.alloc(EVENT_SIZE);
    event.writeUInt32LE(wanted, 0);
    event.writeUInt32LE(fd, DATA_OFFSET);
    check(doing, 'epoll_ctl', this.#epoll, EPOLL_CTL_ADD, fd, event);
  }
}
