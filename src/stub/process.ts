// StubProcess: the handle of a process that executes our system calls.

import {
  CLONE_INTO_CGROUP,
  CLONE_PARENT,
  CLOSE_RANGE_CLOEXEC,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  O_CLOEXEC,
  PROT_READ,
  PROT_WRITE,
  SOCK_SEQPACKET,
} from '../linux/constants.ts';
import { closeDescriptor, receive, receiveDescriptors, send, socketPair } from '../linux/descriptor.ts';
import { ECONNRESET } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import { reap, type WaitStatus } from '../linux/wait.ts';
import { BUFFER_SIZE, encode } from './encode.ts';
import { DescriptorTable, type Operation, Program, STOP_IF_POSITIVE, Structure } from './program.ts';
import { Results } from './results.ts';
import { spawnStub } from './spawn.ts';

/** Where data too large for the buffer goes: mapped when first needed. */
const HEAP_ADDRESS = 0x10000000;
/** Bytes in one message of raw data: well below the default socket buffer (net.core.wmem_default, 212992). */
const CHUNK = 0x10000;
const STDIO = 3;

export interface SpawnOptions {
  /** Our descriptors that become the stub's 0, 1, 2. */
  stdio: readonly [number, number, number];
  /** Our descriptors that become its 3, 4, … and are not close-on-exec (--preserve-fds). */
  preserved?: readonly number[];
  /** Our descriptors that it holds behind its two control descriptors, close-on-exec. */
  extra?: readonly number[];
}

export class StubProcess {
  readonly pid: number;
  /** The number of the control descriptor in the stub; the one for its child is the next, then come the extra. */
  readonly control: number;
  readonly descriptors: DescriptorTable;
  readonly #socket: number;
  #childSocket: number | undefined;
  #connected = true;
  #heap = 0;
  #status: WaitStatus | undefined;

  private constructor(pid: number, control: number, socket: number, descriptors: DescriptorTable) {
    this.pid = pid;
    this.control = control;
    this.descriptors = descriptors;
    this.#socket = socket;
  }

  /** Starts a stub as our child. It holds no descriptor of ours but those named. */
  static spawn({ stdio, preserved = [], extra = [] }: SpawnOptions): StubProcess {
    const [ours, theirs] = socketPair(SOCK_SEQPACKET);
    const [ourChild, theirChild] = socketPair(SOCK_SEQPACKET);
    const table = [...stdio, theirs, theirChild, ...preserved, ...extra];
    let pid: number;
    try {
      pid = spawnStub(table);
    } catch (error) {
      closeDescriptor(ours);
      closeDescriptor(ourChild);
      throw error;
    } finally {
      closeDescriptor(theirs);
      closeDescriptor(theirChild);
    }
    const control = STDIO + preserved.length;
    const stub = new StubProcess(pid, control, ours, new DescriptorTable(table.keys()));
    stub.#childSocket = ourChild;
    const program = stub.program();
    if (preserved.length > 0) movePreserved(program, preserved.length, table.length);
    const all = 0xffffffff;
    program.closeFrom(table.length);
    program.call('close_range', [control, all, CLOSE_RANGE_CLOEXEC], 'mark descriptors close-on-exec');
    stub.run(program);
    return stub;
  }

  /** An empty program for this process. */
  program(): Program {
    return new Program(this.descriptors);
  }

  /** The number in the stub of the i-th extra descriptor. */
  extra(i: number): number {
    return this.control + 2 + i;
  }

  /**
   * Executes a program and waits for its results. An error that the program does not ignore is thrown as
   * OperationError; what came before it has happened.
   */
  run(program: Program): Results {
    const results = new Results();
    for (let rest = program.operations; rest.length > 0; ) {
      const { message, count, offsets } = this.#encodeSome(rest);
      send(this.#socket, message, 'send a program to the stub');
      const reply = this.#receive(message.length);
      const part = rest.slice(0, count);
      results.add(part, reply, offsets, this.descriptors);
      rest = rest.slice(count);
    }
    return results;
  }

  /**
   * Executes a program that ends in execve(2). Success is the end of the control socket, which execve closes; an
   * error is thrown.
   */
  exec(program: Program): void {
    this.#send(program);
    const buffer = Buffer.alloc(BUFFER_SIZE);
    const length = this.#receiveInto(buffer);
    this.disconnect();
    if (length > 0)
      new Results().add(program.operations, buffer.subarray(0, length), new Map(), this.descriptors);
  }

  /** Leaves a program behind: it goes on without us, and whoever drives it next gets the reply. */
  leave(program: Program): void {
    this.#send(program);
    this.disconnect();
  }

  /**
   * A child of the stub in new namespaces, driven like the stub itself; possible once. With CLONE_PARENT it becomes
   * our own child. `cgroup` is a descriptor in the stub of the cgroup that it starts in.
   */
  clone(flags: number, doing: string, cgroup?: number): StubProcess {
    const socket = this.#childSocket;
    if (socket === undefined) throw new TsociError('a stub can clone only once');
    this.#childSocket = undefined;
    const program = this.program();
    // struct clone_args of clone3(2). CLONE_PARENT demands exit_signal 0: the child has the stub's, SIGCHLD.
    const allFlags = BigInt(flags | CLONE_PARENT) | (cgroup === undefined ? 0n : CLONE_INTO_CGROUP);
    const cloneArgs = new Structure([allFlags, 0, 0, 0, 0, 0, 0, 0, 0, 0, cgroup ?? 0]);
    const size = cloneArgs.words.length * 8;
    program.call('clone3', [cloneArgs, size], doing, { control: STOP_IF_POSITIVE });
    const childTable = this.descriptors.copy();
    const childProgram = new Program(childTable);
    childProgram.duplicate(this.control + 1, this.control);
    childProgram.close(this.control + 1);
    program.operations.push(...childProgram.operations);
    send(this.#socket, encode(program.operations).message, 'send a program to the stub');
    const reply = Buffer.alloc(BUFFER_SIZE);
    const length = this.#receiveInto(reply);
    if (length === 0) throw this.#died();
    const results = new Results();
    results.add(program.operations.slice(0, 1), reply.subarray(0, length), new Map(), this.descriptors);
    for (const operation of childProgram.operations) childTable.apply(operation);
    const child = new StubProcess(results.at(0), this.control, socket, childTable);
    const first = Buffer.alloc(BUFFER_SIZE);
    if (child.#receiveInto(first) === 0) throw child.#died();
    return child;
  }

  /** Receives descriptors that a program sends with sendmsg(2) through the control descriptor, before its reply. */
  receiveDescriptors(program: Program, count: number): number[] {
    send(this.#socket, encode(program.operations).message, 'send a program to the stub');
    const buffer = Buffer.alloc(BUFFER_SIZE);
    const { length, fds } = receiveDescriptors(
      this.#socket,
      buffer,
      count,
      'receive descriptors from the stub',
    );
    if (fds.length > 0) {
      const reply = this.#receive(BUFFER_SIZE);
      new Results().add(program.operations, reply, new Map(), this.descriptors);
      return fds;
    }
    if (length === 0) throw this.#died();
    new Results().add(program.operations, buffer.subarray(0, length), new Map(), this.descriptors);
    throw new TsociError('the stub sent no descriptor');
  }

  /** Lets go of the process: it reads end of file and exits, unless a program was left to it. */
  disconnect(): void {
    if (this.#connected) closeDescriptor(this.#socket);
    this.#connected = false;
    if (this.#childSocket !== undefined) closeDescriptor(this.#childSocket);
    this.#childSocket = undefined;
  }

  /** Disconnects a stub that is our child and reaps it. */
  dismiss(): void {
    this.disconnect();
    this.#status ??= reap(this.pid);
  }

  #encodeSome(operations: readonly Operation[]): {
    message: Buffer;
    count: number;
    offsets: ReadonlyMap<Uint8Array, number>;
  } {
    for (let count = operations.length; count >= 1; count = Math.floor(count / 2)) {
      const { message, offsets } = encode(operations.slice(0, count));
      if (message.length <= BUFFER_SIZE) return { message, count, offsets };
    }
    return { message: this.#encodeLarge(operations.slice(0, 1)), count: 1, offsets: new Map() };
  }

  #encodeLarge(operations: readonly Operation[]): Buffer {
    const { message, data } = encode(operations, HEAP_ADDRESS);
    this.#upload(data);
    return message;
  }

  #send(program: Program): void {
    const { message } = encode(program.operations);
    const sent = message.length <= BUFFER_SIZE ? message : this.#encodeLarge(program.operations);
    if (sent.length > BUFFER_SIZE)
      throw new TsociError(`a program of ${program.length} operations is too long`);
    send(this.#socket, sent, 'send a program to the stub');
  }

  #upload(data: Uint8Array): void {
    if (data.length > this.#heap) {
      const program = this.program();
      const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
      const args = [HEAP_ADDRESS, data.length, PROT_READ | PROT_WRITE, flags, -1, 0];
      program.call('mmap', args, `map ${data.length} bytes in the stub`);
      this.run(program);
      this.#heap = data.length;
    }
    for (let at = 0; at < data.length; at += CHUNK) {
      const chunk = data.subarray(at, at + CHUNK);
      const program = this.program();
      program.call('read', [this.control, HEAP_ADDRESS + at, chunk.length], 'read data in the stub');
      const { message } = encode(program.operations);
      send(this.#socket, message, 'send a program to the stub');
      send(this.#socket, chunk, 'send data to the stub');
      new Results().add(program.operations, this.#receive(message.length), new Map(), this.descriptors);
    }
  }

  #receive(size: number): Buffer {
    const reply = Buffer.alloc(size);
    const length = this.#receiveInto(reply);
    if (length === 0) throw this.#died();
    return reply.subarray(0, length);
  }

  #receiveInto(buffer: Uint8Array): number {
    try {
      return receive(this.#socket, buffer, 'receive the results of the stub');
    } catch (error) {
      if (errnoOf(error) === ECONNRESET) return 0;
      throw error;
    }
  }

  #died(): TsociError {
    this.#status ??= reap(this.pid);
    const how = this.#status.signal ? `killed by signal ${this.#status.signal}` : `exit ${this.#status.code}`;
    const hint = this.#status.signal === 9 ? '; was its memory limit too low?' : '';
    return new TsociError(`the container's init died while it was set up (${how})${hint}`);
  }
}

/**
 * Brings the preserved descriptors down to 3, 4, … and the two control descriptors behind them. `free` is the
 * first free number.
 */
function movePreserved(program: Program, count: number, free: number): void {
  const control = STDIO;
  const child = STDIO + 1;
  program.duplicate(control, free);
  program.duplicate(child, free + 1);
  program.setControl(free);
  for (let i = 0; i < count; i++) program.duplicate(STDIO + 2 + i, STDIO + i, 0);
  program.duplicate(free, control + count, O_CLOEXEC);
  program.duplicate(free + 1, child + count, O_CLOEXEC);
  program.setControl(control + count);
  program.close(free);
  program.close(free + 1);
}
