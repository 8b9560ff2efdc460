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
  readonly receives?: readonly number[];
  /** The descriptor that the call closes. */
  readonly closes: number | undefined;
  /** It closes all from this one on. */
  readonly closesFrom?: number;
  /** The property of config.json that wants it; undefined for what every container needs. */
  readonly property?: string | undefined;
}

/** The path that an execve(2) executes; undefined for another operation. */
export function executedBy({ call, args }: Operation): string | undefined {
  return call === 'execve' && typeof args[0] === 'string' ? args[0] : undefined;
}

export interface OperationOptions {
  control?: number;
  ignored?: readonly number[];
}

/** The numbers of a process's open descriptors. The kernel always hands out the lowest free one. */
export class DescriptorTable {
  readonly #open: Set<number>;

  constructor(open: Iterable<number>) {
    this.#open = new Set(open);
  }

  lowestFree(): number {
    let fd = 0;
    while (this.#open.has(fd)) fd++;
    return fd;
  }

  /** Takes in an operation: one that has returned `result`, or one yet to come. */
  apply(operation: Operation, result?: number): void {
    if (operation.closes !== undefined) this.#open.delete(operation.closes);
    const from = operation.closesFrom;
    if (from !== undefined) for (const fd of this.#open) if (fd >= from) this.#open.delete(fd);
    for (const fd of operation.receives ?? []) this.#open.add(fd);
    if (operation.opens === undefined) return;
    const opened = result ?? operation.opens;
    if (opened !== 'any') this.#open.add(opened);
  }

  takeLowest(): number {
    const fd = this.lowestFree();
    this.#open.add(fd);
    return fd;
  }

  copy(): DescriptorTable {
    return new DescriptorTable(this.#open);
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
    return this.#push({ call, args, doing, opens: undefined, closes: undefined, ...defaults(options) });
  }

  /** Adds a system call that opens a descriptor; returns the number it will have. */
  open(call: SyscallName, args: readonly Word[], doing: string): number {
    if (this.#unpredictable)
      throw new Error(`${doing}: an open after a tryOpen has no predictable descriptor`);
    const opens = this.#descriptors.lowestFree();
    this.#push({ call, args, doing, opens, closes: undefined, ...defaults({}) });
    return opens;
  }

  /**
   * Adds a call that may open a descriptor, or fail with one of `ignored`; returns its index among the results.
   * Numbers cannot be predicted after it: no `open` may follow in the same program.
   */
  tryOpen(call: SyscallName, args: readonly Word[], doing: string, ignored: readonly number[]): number {
    this.#unpredictable = true;
    return this.#push({ call, args, doing, opens: 'any', closes: undefined, ...defaults({ ignored }) });
  }

  /**
   * Adds what receives descriptors that come with a byte from the other end of `socket` (SCM_RIGHTS of unix(7)); returns
   * the numbers that they will have.
   */
  receive(socket: number, count: number, doing: string): number[] {
    const free = this.#descriptors.copy();
    const receives = Array.from({ length: count }, () => free.takeLowest());
    const rights = rightsMessage(receives);
    // struct msghdr (recvmsg(2)): no name, one byte, and the descriptors.
    const header = new Structure([null, 0, new Structure([Buffer.alloc(1), 1]), 1, rights, rights.length, 0]);
    const args = [socket, header, MSG_CMSG_CLOEXEC];
    this.#push({
      call: 'recvmsg',
      args,
      doing,
      receives,
      opens: undefined,
      closes: undefined,
      ...defaults({}),
    });
    return receives;
  }

  /** Adds what sends descriptors with a byte to the other end of `socket`, and closes them. */
  send(socket: number, fds: readonly number[], doing: string): void {
    const rights = rightsMessage(fds);
    const header = new Structure([null, 0, new Structure([Buffer.alloc(1), 1]), 1, rights, rights.length, 0]);
    this.call('sendmsg', [socket, header, MSG_NOSIGNAL], doing);
    for (const fd of fds) this.close(fd);
  }

  close(fd: number): void {
    this.#push({
      call: 'close',
      args: [fd],
      doing: `close ${fd}`,
      opens: undefined,
      closes: fd,
      ...defaults({}),
    });
  }

  /** Closes all descriptors from `fd` on (close_range(2)). */
  closeFrom(fd: number): void {
    const doing = `close descriptors from ${fd} on`;
    const ALL = 0xffffffff;
    const operation = { call: 'close_range', args: [fd, ALL, 0], doing, ...defaults({}) } as const;
    this.#push({ ...operation, opens: undefined, closes: undefined, closesFrom: fd });
  }

  /** dup3(2) with close-on-exec unless told otherwise; the new descriptor is not counted among the lowest free. */
  duplicate(from: number, to: number, flags = O_CLOEXEC): void {
    const doing = `duplicate descriptor ${from} as ${to}`;
    this.#push({
      call: 'dup3',
      args: [from, to, flags],
      doing,
      opens: to,
      closes: undefined,
      ...defaults({}),
    });
  }

  /** The stub receives its programs from descriptor `fd` from here on. */
  setControl(fd: number): void {
    const doing = `take ${fd} as control descriptor`;
    this.#push({
      call: 'set_control',
      args: [fd],
      doing,
      opens: undefined,
      closes: undefined,
      ...defaults({}),
    });
  }

  get length(): number {
    return this.operations.length;
  }

  #push(operation: Operation): number {
    this.operations.push(this.property === undefined ? operation : { ...operation, property: this.property });
    this.#descriptors.apply(operation);
    return this.operations.length - 1;
  }
}

function defaults(options: OperationOptions): { control: number; ignored: readonly number[] } {
  const ignored = options.ignored ?? [];
  return { control: (options.control ?? 0) | (ignored.length > 0 ? CONTINUE_ON_ERROR : 0), ignored };
}
