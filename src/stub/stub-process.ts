// StubProcess: the handle of a process that executes our system calls.

import { explainExecve } from '../diagnosis/explain-execve.ts';
import type { Execution } from '../diagnosis/program.ts';
import {
  CLONE_INTO_CGROUP,
  CLONE_PARENT,
  CLOSE_RANGE_CLOEXEC,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  PROT_READ,
  PROT_WRITE,
  SIGKILL,
} from '../linux/constants.ts';
import { EPIPE } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import { syscall } from '../linux/ffi.ts';
import { hasExecutedNothing } from '../linux/procfs.ts';
import { SYS } from '../linux/syscalls.ts';
import type { WaitStatus } from '../linux/wait.ts';
import type { Channel } from './channel.ts';
import { BUFFER_SIZE, encode, encodePart, HEAP_ADDRESS, type Part } from './encode.ts';
import type { Launcher } from './launcher.ts';
import { stubObserver, stubStepper } from './observer.ts';
import { movePreserved, STDIO } from './preserved.ts';
import {
  DescriptorTable,
  executedBy,
  type Operation,
  Program,
  STOP_IF_POSITIVE,
  Structure,
} from './program.ts';
import { isDisturbed, OperationError, Results } from './results.ts';

/** Bytes in one message of raw data: well below the default socket buffer (net.core.wmem_default, 212992). */
const CHUNK = 0x10000;
/** How often a program is disturbed (isDisturbed) and goes on, before it fails. */
const MOST_TRIES = 128;
/** Control descriptors: its own and that of its child. */
const CONTROLS = 2;

export interface SpawnOptions {
  /** Our descriptors that become the stub's 0, 1, 2. */
  stdio: readonly [number, number, number];
  /** How many descriptors of the launcher, from 3 on, are the same in it and not close-on-exec (--preserve-fds). */
  preserved?: number;
  /** Our descriptors that it holds behind its two control descriptors, close-on-exec. */
  extra?: readonly number[];
  /** What it is for, as a trace calls it: boot, hook, … */
  role?: string;
}

export class StubProcess {
  readonly pid: number;
  /** The number of the control descriptor in the stub; the one for its child is the next, then come the extra. */
  readonly control: number;
  readonly descriptors: DescriptorTable;
  /** What it is for, as a trace calls it. */
  readonly role: string;
  /** The property of config.json that wants the programs made from here on: `mounts[2]`. */
  property: string | undefined;
  readonly #launcher: Launcher;
  readonly #channel: Channel;
  #child: Channel | undefined;
  #connected = true;
  #heap = 0;
  /** Operations that wait for the next program. */
  #pending: Operation[] = [];
  #status: WaitStatus | undefined;

  private constructor(
    { launcher, pid, role }: { launcher: Launcher; pid: number; role: string },
    control: number,
    channel: Channel,
    descriptors: DescriptorTable,
  ) {
    this.#launcher = launcher;
    this.pid = pid;
    this.role = role;
    this.control = control;
    this.descriptors = descriptors;
    this.#channel = channel;
  }

  /** Starts a stub as a child of the launcher. It holds no descriptor but those named. */
  static spawn(
    launcher: Launcher,
    { stdio, preserved = 0, extra = [], role = 'boot' }: SpawnOptions,
  ): StubProcess {
    const { pid, channel, child } = launcher.start({ stdio, preserved, extra });
    const count = STDIO + CONTROLS + preserved + extra.length;
    const control = STDIO + preserved;
    const descriptors = new DescriptorTable(Array(count).keys());
    const stub = new StubProcess({ launcher, pid, role }, control, channel, descriptors);
    stub.#child = child;
    const program = stub.program();
    if (preserved > 0) movePreserved(program, preserved, count);
    const all = 0xffffffff;
    program.call('close_range', [control, all, CLOSE_RANGE_CLOEXEC], 'mark descriptors close-on-exec');
    stub.later(program);
    return stub;
  }

  /** An empty program for this process. */
  program(): Program {
    return new Program(this.descriptors, this.property);
  }

  /** The number of the i-th extra descriptor (SpawnOptions) in the stub, and in a clone of it. */
  extra(i: number): number {
    return this.control + CONTROLS + i;
  }

  /**
   * Has a program executed before the next one, in the same round trip: for what only has to be done. An error that it
   * does not ignore is thrown by whatever comes next.
   */
  later(program: Program): void {
    for (const operation of program.operations) this.descriptors.apply(operation);
    this.#pending.push(...program.operations);
  }

  /** Executes what was left for later. To be called before anybody else looks at the process, or does something to it. */
  flush(): void {
    if (this.#pending.length > 0) this.run(this.program());
  }

  /**
   * Executes a program and waits for its results. An error that the program does not ignore is thrown as
   * OperationError; what came before it has happened.
   */
  run(program: Program): Results {
    const pending = this.#takePending();
    const operations = [...pending, ...program.operations];
    const results = new Results(pending.length);
    let tries = 0;
    for (let rest = operations; rest.length > 0; ) {
      const { message, count, offsets, heap } = this.#encodeSome(rest);
      const part = rest.slice(0, count);
      this.#transmit(part, message, heap);
      const reply = this.#receive(message.length);
      try {
        results.add(part, reply, offsets, this.descriptors);
        rest = rest.slice(count);
      } catch (error) {
        if (!isDisturbed(error) || ++tries === MOST_TRIES) throw error;
        rest = operations.slice(results.retract(error));
      }
    }
    return results;
  }

  /**
   * Executes a program that ends in execve(2), which closes the control socket; an error is thrown. A clone that ends before
   * closes it, too, and is told from one that has executed something.
   */
  exec(program: Program): void {
    this.flush();
    const buffer = Buffer.alloc(this.#send(program));
    const length = this.#receiveInto(buffer);
    try {
      if (length > 0)
        new Results().add(program.operations, buffer.subarray(0, length), new Map(), this.descriptors);
      else if (this.onHost((pid) => hasExecutedNothing({ pid }))) throw this.#died();
    } catch (error) {
      const path = error instanceof OperationError ? executedBy(error.operation) : undefined;
      // The process is there until it is let go of.
      if (!(error instanceof OperationError) || path === undefined) throw error;
      throw explainExecve(error, path, this);
    } finally {
      this.disconnect();
    }
  }

  /** What the process has to execute something with, as it is now: its files, directory and credentials. */
  execution(): Execution & Disposable {
    return this.#channel.execution(this.pid);
  }

  /** Leaves a program behind: it goes on without us, and whoever drives it next gets the reply. */
  leave(program: Program): void {
    this.flush();
    this.#send(program);
    this.disconnect();
  }

  /**
   * A child of the stub in new namespaces, driven like the stub itself, which ends: the child takes its place. With
   * CLONE_PARENT it becomes our own child. `cgroup` is a descriptor in the stub of the cgroup that it starts in, `role` what it is for.
   */
  clone(flags: number, doing: string, cgroup?: number, role = 'init'): StubProcess {
    const channel = this.#child;
    if (channel === undefined) throw new TsociError('a stub can clone only once');
    this.#child = undefined;
    let child: StubProcess | undefined;
    try {
      const clone = this.#startClone(channel, flags, doing, cgroup, role);
      child = clone.child;
      // Its copy of the child's end of the socket is closed with it. Otherwise no end of file would tell of the child's death.
      this.#giveWay();
      stubObserver()?.sending(child, clone);
      child.#receive(clone.message.length);
      return child;
    } catch (error) {
      if (child) child.dismiss();
      else channel.close();
      throw error;
    }
  }

  /** The child, which has not answered yet, and what it was sent. */
  #startClone(
    channel: Channel,
    flags: number,
    doing: string,
    cgroup: number | undefined,
    role: string,
  ): { child: StubProcess; operations: Operation[]; message: Buffer } {
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
    const pending = this.#takePending();
    const operations = [...pending, ...program.operations];
    const { message } = encode(operations);
    this.#transmit(operations, message);
    const results = new Results(pending.length);
    const own = operations.slice(0, pending.length + 1);
    results.add(own, this.#receive(message.length), new Map(), this.descriptors);
    for (const operation of childProgram.operations) childTable.apply(operation);
    const identity = { launcher: this.#launcher, pid: results.at(0), role };
    const child = new StubProcess(identity, this.control, channel, childTable);
    return { child, operations, message };
  }

  /** Receives descriptors that a program sends with sendmsg(2) through the control descriptor, before its reply. */
  receiveDescriptors(program: Program, count: number): number[] {
    this.flush();
    const { message } = encode(program.operations);
    this.#transmit(program.operations, message);
    const buffer = Buffer.alloc(message.length);
    const { length, fds } = this.#channel.receiveDescriptors(buffer, count);
    if (fds.length > 0) {
      new Results().add(program.operations, this.#receive(message.length), new Map(), this.descriptors);
      return fds;
    }
    stubObserver()?.replied(this, buffer.subarray(0, length));
    if (length === 0) throw this.#died();
    new Results().add(program.operations, buffer.subarray(0, length), new Map(), this.descriptors);
    throw new TsociError('the stub sent no descriptor');
  }

  /** Takes descriptors of the process, which has them no more: the numbers that they have here. */
  takeDescriptors(fds: readonly number[], doing: string): number[] {
    const program = this.program();
    program.send(this.control, fds, doing);
    return this.receiveDescriptors(program, fds.length);
  }

  /** Gives it copies of descriptors of ours: the numbers that they have there. */
  giveDescriptors(fds: readonly number[], doing: string): number[] {
    this.flush();
    const program = this.program();
    const received = program.receive(this.control, fds.length, doing);
    const { message } = encode(program.operations);
    this.#transmit(program.operations, message);
    this.#channel.sendDescriptors(fds, doing);
    new Results().add(program.operations, this.#receive(message.length), new Map(), this.descriptors);
    return received;
  }

  /**
   * Does something to the process that takes the rights and the /proc of the host, by its pid. A planned stub is no
   * process (`tsoci plan`): then nothing is done, and the result is undefined.
   */
  onHost<T>(act: (pid: number) => T): T | undefined {
    if (this.#connected) this.flush();
    return this.#channel.real ? act(this.pid) : undefined;
  }

  /** Lets go of the process: it reads end of file and exits, unless a program was left to it. */
  disconnect(): void {
    if (this.#connected) this.#channel.close();
    this.#connected = false;
    this.#child?.close();
    this.#child = undefined;
  }

  /**
   * Ends a stub that is our child, also one that is held up or frozen and does not read end of file; and reaps it. What it was
   * for has been done or has failed before: that it cannot be reaped changes neither.
   */
  dismiss(): void {
    this.disconnect();
    if (!this.#status) this.onHost((pid) => syscall(SYS.kill, pid, SIGKILL));
    try {
      this.wait();
    } catch {
      // Its parent, the launcher, ends soon.
    }
  }

  /** Ends it while others go on: nobody waits until it is reaped. */
  #giveWay(): void {
    this.disconnect();
    this.onHost((pid) => {
      syscall(SYS.kill, pid, SIGKILL);
      this.#launcher.reap(pid);
    });
    this.#status = { code: 0, signal: SIGKILL };
  }

  [Symbol.dispose](): void {
    this.dismiss();
  }

  /** Waits for the end of a stub that is a child of the launcher, or of what it has become, and reaps it. */
  wait(): WaitStatus {
    this.#status ??= this.onHost((pid) => this.#launcher.wait(pid)) ?? { code: 0, signal: 0 };
    return this.#status;
  }

  /** See Launcher. */
  waitBriefly(milliseconds: number, meanwhile?: (socket: number) => void): WaitStatus | 'timeout' | 'signal' {
    const ended = this.onHost((pid) => this.#launcher.waitBriefly(pid, milliseconds, meanwhile));
    if (typeof ended === 'string') return ended;
    this.#status = ended ?? { code: 0, signal: 0 };
    return this.#status;
  }

  #takePending(): Operation[] {
    const pending = this.#pending;
    this.#pending = [];
    return pending;
  }

  #encodeSome(operations: readonly Operation[]): Part & { heap?: Buffer } {
    const part = encodePart(operations);
    return part ?? { ...this.#encodeLarge(operations.slice(0, 1)), count: 1, offsets: new Map() };
  }

  #encodeLarge(operations: readonly Operation[]): { message: Buffer; heap: Buffer } {
    const { message, data } = encode(operations, HEAP_ADDRESS);
    this.#upload(data);
    return { message, heap: data };
  }

  #transmit(operations: readonly Operation[], message: Buffer, heap?: Buffer): void {
    const sent = { operations, message, heap };
    stubObserver()?.sending(this, sent);
    const stepper = stubStepper();
    try {
      if (stepper) stepper.send(this, sent, this.#channel);
      else this.#channel.send(message, 'send a program to the stub');
    } catch (error) {
      throw errnoOf(error) === EPIPE ? this.#died() : error;
    }
  }

  /** The length of the message, which is that of the reply. */
  #send(program: Program): number {
    const whole = encode(program.operations);
    const { message, heap } =
      whole.message.length <= BUFFER_SIZE
        ? { message: whole.message, heap: undefined }
        : this.#encodeLarge(program.operations);
    if (message.length > BUFFER_SIZE)
      throw new TsociError(`a program of ${program.length} operations is too long`);
    this.#transmit(program.operations, message, heap);
    return message.length;
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
      this.#transmit(program.operations, message);
      this.#channel.send(chunk, 'send data to the stub');
      new Results().add(program.operations, this.#receive(message.length), new Map(), this.descriptors);
    }
  }

  #receive(size: number): Buffer {
    const reply = Buffer.alloc(size);
    const length = this.#receiveInto(reply);
    if (length === 0) throw this.#died();
    return reply.subarray(0, length);
  }

  #receiveInto(buffer: Buffer): number {
    const stepper = stubStepper();
    const length = stepper ? stepper.receive(this, buffer, this.#channel) : this.#channel.receive(buffer);
    stubObserver()?.replied(this, buffer.subarray(0, length));
    return length;
  }

  #died(): TsociError {
    const { signal, code } = this.wait();
    const how = signal ? `killed by signal ${signal}` : `exit ${code}`;
    const killer = this.role === 'exec' ? ', or did a process of the container kill it' : '';
    const hint = signal === SIGKILL ? `; was its memory limit too low${killer}?` : '';
    const who = this.role === 'init' ? "the container's init" : `the process for ${this.role}`;
    return new TsociError(`${who} died while it was set up (${how})${hint}`);
  }
}
