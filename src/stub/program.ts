// A program: system calls as data, laid out for the stub. The format is described in stub-x64.S.

import { MSG_CMSG_CLOEXEC, MSG_NOSIGNAL, O_CLOEXEC } from '../linux/constants.ts';
import { rightsMessage } from '../linux/descriptor.ts';
import { forProperty } from '../linux/errors.ts';
import type { SyscallName } from '../linux/syscalls.ts';

/** Control bits: go on after an error; stop when the result is positive (the parent's side of clone3); last one. */
export const CONTINUE_ON_ERROR = 1;
export const STOP_IF_POSITIVE = 2;
export const LAST = 4;

/**
 * What an argument points to: a string (NUL-terminated when laid out), bytes, or a structure of 64-bit words, which
 * may point further.
 */
export type Data = string | Uint8Array | Structure;
export type Word = number | bigint | Data | null;

export class Structure {
  readonly words: readonly Word[];
  constructor(words: readonly Word[]) {
    this.words = words;
  }
}

/** Null-terminated array of strings: argv, envp. */
export function stringArray(strings: readonly string[]): Structure {
  return new Structure([...strings, null]);
}

export interface Operation {
  readonly call: SyscallName | 'set_control';
  readonly args: readonly Word[];
  /** What is being done and on what, for the error: "mount proc on /proc". */
  readonly doing: string;
  readonly control: number;
  /** Errors (positive) that are no failure. The operations after it run all the same. */
  readonly ignored: readonly number[];
  /** The descriptor that the call is expected to return, when it opens one; 'any' when that is left open. */
  readonly opens: number | 'any' | undefined;
  /** Descriptors that come with a message that the call receives. */
  readonly receives?: readonly number[] | undefined;
  /** The descriptor that the call closes. */
  readonly closes: number | undefined;
  /** It closes all from this one on. */
  readonly closesFrom?: number | undefined;
  /** The property of config.json that wants it; undefined for what every container needs. */
  readonly property?: string | undefined;
  /** What helps where it fails. */
  readonly hint?: Hint | undefined;
}

/** What helps against an error (positive), if anything does. */
type Hint = (errno: number) => string | undefined;

/** The path that an execve(2) executes; undefined for another operation. */
export function executedBy({ call, args }: Operation): string | undefined {
  return call === 'execve' && typeof args[0] === 'string' ? args[0] : undefined;
}

export interface OperationOptions {
  control?: number;
  ignored?: readonly number[];
  hint?: Hint;
}

/** What a call does to the descriptors of its process. */
type DescriptorChange = Partial<Pick<Operation, 'opens' | 'closes' | 'closesFrom' | 'receives'>>;

const NONE: readonly number[] = [];

/** The numbers of a process's open descriptors. The kernel always hands out the lowest free one. */
export class DescriptorTable {
  /** By number, whether it is open. */
  #open: boolean[];

  constructor(open: Iterable<number>) {
    this.#open = [];
    for (const fd of open) this.#open[fd] = true;
  }

  lowestFree(): number {
    let fd = 0;
    while (this.#open[fd]) fd++;
    return fd;
  }

  /** Takes in an operation: one that has returned `result`, or one yet to come. */
  apply(operation: Operation, result?: number): void {
    const { closes, closesFrom, receives, opens } = operation;
    if (closes !== undefined) this.#open[closes] = false;
    if (closesFrom !== undefined) this.#open.fill(false, closesFrom);
    if (receives !== undefined) for (const fd of receives) this.#open[fd] = true;
    if (opens === undefined) return;
    const opened = result ?? opens;
    if (opened !== 'any') this.#open[opened] = true;
  }

  takeLowest(): number {
    const fd = this.lowestFree();
    this.#open[fd] = true;
    return fd;
  }

  copy(): DescriptorTable {
    const copy = new DescriptorTable([]);
    copy.#open = this.#open.slice();
    return copy;
  }
}

/** Runs `act`. What it adds to a program, or what programs it makes of a stub, is for this property of config.json. */
export function withProperty<T>(
  whose: { property: string | undefined },
  property: string | undefined,
  act: () => T,
): T {
  const before = whose.property;
  whose.property = property;
  try {
    return forProperty(property, act);
  } finally {
    whose.property = before;
  }
}

export class Program {
  readonly operations: Operation[] = [];
  /** The property of config.json that wants the operations added from here on. */
  property: string | undefined;
  readonly #descriptors: DescriptorTable;
  #unpredictable = false;

  constructor(descriptors: DescriptorTable, property?: string) {
    this.#descriptors = descriptors.copy();
    this.property = property;
  }

  /** The operations added from here on are for this property of config.json. */
  for(property: string | undefined): this {
    this.property = property;
    return this;
  }

  /** Adds a system call; returns its index among the results. */
  call(call: SyscallName, args: readonly Word[], doing: string, options: OperationOptions = {}): number {
    return this.#push(call, args, doing, {}, options);
  }

  /** Adds a system call that opens a descriptor; returns the number it will have. */
  open(call: SyscallName, args: readonly Word[], doing: string): number {
    if (this.#unpredictable)
      throw new Error(`${doing}: an open after a tryOpen has no predictable descriptor`);
    const opens = this.#descriptors.lowestFree();
    this.#push(call, args, doing, { opens });
    return opens;
  }

  /**
   * Adds a call that may open a descriptor, or fail with one of `ignored`; returns its index among the results.
   * Numbers cannot be predicted after it: no `open` may follow in the same program.
   */
  tryOpen(call: SyscallName, args: readonly Word[], doing: string, ignored: readonly number[]): number {
    this.#unpredictable = true;
    return this.#push(call, args, doing, { opens: 'any' }, { ignored });
  }

  /**
   * Adds what receives descriptors that come with a byte from the other end of `socket` (SCM_RIGHTS of unix(7)); returns
   * the numbers that they will have.
   */
  receive(socket: number, count: number, doing: string): number[] {
    const free = this.#descriptors.copy();
    const receives = Array.from({ length: count }, () => free.takeLowest());
    this.#push('recvmsg', [socket, messageWith(receives), MSG_CMSG_CLOEXEC], doing, { receives });
    return receives;
  }

  /** Adds what sends descriptors with a byte to the other end of `socket`, and closes them. */
  send(socket: number, fds: readonly number[], doing: string): void {
    this.call('sendmsg', [socket, messageWith(fds), MSG_NOSIGNAL], doing);
    for (const fd of fds) this.close(fd);
  }

  close(fd: number): void {
    this.#push('close', [fd], `close ${fd}`, { closes: fd });
  }

  /** Closes all descriptors from `fd` on (close_range(2)). */
  closeFrom(fd: number): void {
    const doing = `close descriptors from ${fd} on`;
    const ALL = 0xffffffff;
    this.#push('close_range', [fd, ALL, 0], doing, { closesFrom: fd });
  }

  /** dup3(2) with close-on-exec unless told otherwise; the new descriptor is not counted among the lowest free. */
  duplicate(from: number, to: number, flags = O_CLOEXEC): void {
    const doing = `duplicate descriptor ${from} as ${to}`;
    this.#push('dup3', [from, to, flags], doing, { opens: to });
  }

  /** The stub receives its programs from descriptor `fd` from here on. */
  setControl(fd: number): void {
    const doing = `take ${fd} as control descriptor`;
    this.#push('set_control', [fd], doing);
  }

  get length(): number {
    return this.operations.length;
  }

  /** One literal for all operations: objects of one shape are quicker to make and to read. */
  #push(
    call: Operation['call'],
    args: readonly Word[],
    doing: string,
    { opens, closes, closesFrom, receives }: DescriptorChange = {},
    { control = 0, ignored = NONE, hint }: OperationOptions = {},
  ): number {
    const { property } = this;
    const bits = ignored.length > 0 ? control | CONTINUE_ON_ERROR : control;
    const operation = {
      call,
      args,
      doing,
      control: bits,
      ignored,
      opens,
      closes,
      closesFrom,
      receives,
      property,
      hint,
    };
    this.operations.push(operation);
    this.#descriptors.apply(operation);
    return this.operations.length - 1;
  }
}

/** struct msghdr (recvmsg(2)): no name, one byte, and descriptors. */
function messageWith(fds: readonly number[]): Structure {
  const rights = rightsMessage(fds);
  return new Structure([null, 0, new Structure([Buffer.alloc(1), 1]), 1, rights, rights.length, 0]);
}
