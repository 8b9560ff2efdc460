// Programs executed an operation at a time, by a stub that knows nothing of it.
//
// An operation is sent in a message of its own: that of its program, with this operation in the first place and marked as
// the last. So its data lie where its pointers lead. What the call has written into them goes into the message of the next
// one, and the results in the end into one reply, as if the program had been sent as a whole.
//
// What must not be taken apart goes in one piece:
// - clone3 with what its child does first, since until then the child has its parent's way to us;
// - a seccomp filter with what follows, since it may forbid the stub to hear from us and to answer;
// - execve, which is not answered when it succeeds;
// - a program that itself hears or tells something on the control socket, or closes it.

import { EAGAIN } from '../linux/errno.ts';
import type { Channel } from '../stub/channel.ts';
import { controlAt, isError, OPERATION_SIZE, resultAt, stops, writeResult } from '../stub/encode.ts';
import type { Executor, Sent, Stepper } from '../stub/observer.ts';
import { LAST, type Operation, STOP_IF_POSITIVE } from '../stub/program.ts';

/** An operation of a program that is being executed. */
export interface Step {
  readonly executor: Executor;
  readonly operations: readonly Operation[];
  readonly index: number;
  /** The message as far as it has come: with results, and with what calls have written. */
  readonly message: Buffer;
  readonly heap: Buffer | undefined;
  readonly channel: Channel;
  /** The index behind those that go in one piece with it: nobody can stop before that. */
  readonly end: number;
}

/** Who decides about each operation. What is thrown gives up the program. */
export interface Decider {
  before(step: Step): 'execute' | 'skip';
  /** It was executed. `result` is undefined where nobody tells: the process has executed its program. */
  done(step: Step, result: number | undefined): void;
  /** It was executed, and its failure is none that its program allows for. */
  refused(step: Step, result: number): 'fail' | 'retry' | 'skip';
}

export class StepByStep implements Stepper {
  readonly #decider: Decider;
  /** Replies that nobody has received yet, by pid. */
  readonly #replies = new Map<number, Buffer>();
  /** Programs that went as a whole and are not answered yet, by pid. */
  readonly #whole = new Map<number, Step>();
  /** Messages of which the first `shift` operations were executed by the parent of a process, by its pid. */
  readonly #children = new Map<number, { message: Buffer; shift: number }>();

  constructor(decider: Decider) {
    this.#decider = decider;
  }

  send(executor: Executor, { operations, message: sent, heap }: Sent, channel: Channel): void {
    const message = Buffer.from(sent);
    const at = (index: number, end = index + 1): Step => ({
      executor,
      operations,
      index,
      message,
      heap,
      channel,
      end,
    });
    if (operations.some((operation) => talks(operation, executor.control))) {
      const first = at(0, endOfWhole(operations, executor.control));
      this.#decider.before(first);
      channel.send(message, 'send a program to the stub');
      this.#whole.set(executor.pid, first);
      return;
    }
    for (let index = 0; index < operations.length; ) {
      const count = beginsPiece(operations, index) ? operations.length - index : 1;
      const step = at(index, index + count);
      if (this.#decider.before(step) === 'skip') {
        writeResult(message, index, 0);
        index++;
        continue;
      }
      const reply = execute(step, count);
      if (!reply) {
        for (let i = index; i < operations.length; i++)
          this.#decider.done(at(i), operations[i]?.call === 'execve' ? 0 : undefined);
        this.#replies.set(executor.pid, Buffer.alloc(0));
        return;
      }
      const next = this.#take(step, count, reply, at);
      if (next === undefined) break;
      index = next;
    }
    this.#replies.set(executor.pid, message);
  }

  receive({ pid }: Executor, buffer: Buffer, channel: Channel): number {
    const reply = this.#replies.get(pid);
    if (reply) {
      this.#replies.delete(pid);
      return reply.copy(buffer);
    }
    const length = channel.receive(buffer);
    const child = this.#children.get(pid);
    if (child && length > 0) {
      this.#children.delete(pid);
      const rest = Buffer.from(buffer.subarray(0, length));
      child.message.copy(buffer);
      rest.copy(buffer, child.shift * OPERATION_SIZE, 0, length - child.shift * OPERATION_SIZE);
      return length;
    }
    const whole = this.#whole.get(pid);
    this.#whole.delete(pid);
    if (whole && length > 0) this.#tellWhole(whole, buffer.subarray(0, length));
    return length;
  }

  /** Takes in what has come of a piece. The index to go on from; undefined where the program ends. */
  #take(step: Step, count: number, reply: Buffer, at: (index: number) => Step): number | undefined {
    const { operations, message, index } = step;
    for (let i = 0; i < count; i++) {
      const operation = operations[index + i];
      if (!operation) break;
      const result = resultAt(reply, i);
      writeResult(message, index + i, result);
      const one = at(index + i);
      this.#decider.done(one, result);
      if (operation.call === 'clone3' && result > 0)
        this.#children.set(result, { message: Buffer.from(message), shift: index });
      if (isFailure(operation, result)) {
        const verdict = this.#decider.refused(one, result);
        if (verdict === 'retry') return this.#again(one);
        if (verdict === 'skip') {
          writeResult(message, index + i, 0);
          return index + i + 1;
        }
      }
      if (stops(operation.control, result)) return undefined;
    }
    return index + count;
  }

  /** Has an operation sent once more: with its control bits, where its result was. */
  #again({ operations, index, message }: Step): number {
    const last = index === operations.length - 1 ? LAST : 0;
    writeResult(message, index, (operations[index]?.control ?? 0) | last);
    return index;
  }

  /** What has failed in it can only be told: whoever drives the process has gone on to its reply. */
  #tellWhole(first: Step, reply: Buffer): void {
    for (const [index, operation] of first.operations.entries()) {
      const result = resultAt(reply, index);
      this.#decider.done({ ...first, index, message: reply }, result);
      if (stops(operation.control, result)) return;
    }
  }
}

function talks({ call, args, closes, closesFrom }: Operation, control: number): boolean {
  if (closes === control || (closesFrom !== undefined && closesFrom <= control)) return true;
  return (call === 'sendmsg' || call === 'recvmsg' || call === 'read') && args[0] === control;
}

/** What a program has behind the end of its connection is for whoever connects next: for `start`. */
function endOfWhole(operations: readonly Operation[], control: number): number {
  const left = operations.findIndex(({ closes }) => closes === control);
  return left < 0 ? operations.length : left + 1;
}

/** Whether others go in one piece with it. */
export function isPiece({ index, end }: Step): boolean {
  return end > index + 1;
}

function beginsPiece(operations: readonly Operation[], index: number): boolean {
  const operation = operations[index];
  return operation?.call === 'seccomp' || Boolean((operation?.control ?? 0) & STOP_IF_POSITIVE);
}

function isFailure({ call, ignored }: Operation, result: number): boolean {
  // Of a lookup that was disturbed the stub's driver does the program once more (isDisturbed).
  if (call === 'openat2' && result === -EAGAIN && ignored.length === 0) return false;
  return isError(result) && !ignored.includes(-result);
}

/** Has a stub execute `count` operations from that of the step on. Undefined: it answers no more. */
function execute({ index, message, operations, channel }: Step, count: number): Buffer | undefined {
  const piece = Buffer.from(message);
  message.copy(piece, 0, index * OPERATION_SIZE, (index + count) * OPERATION_SIZE);
  writeResult(piece, count - 1, controlAt(piece, count - 1) | LAST);
  channel.send(piece, 'send a program to the stub');
  const reply = Buffer.alloc(piece.length);
  if (channel.receive(reply) === 0) return undefined;
  const data = operations.length * OPERATION_SIZE;
  reply.copy(message, data, data);
  return reply;
}
