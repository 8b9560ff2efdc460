// What came back from the stub: a result for each operation executed, and the bytes that calls wrote.

import { EAGAIN } from '../linux/errno.ts';
import { TsociError } from '../linux/errors.ts';
import { cutOff, isError, resultAt, stops } from './encode.ts';
import type { DescriptorTable, Operation } from './program.ts';

/** No descriptor is above, unless somebody has raised fs.nr_open (fs/file.c, sysctl_nr_open). */
const MOST_DESCRIPTORS = 1024 * 1024;

/** The failure of an operation that was not allowed to fail. */
export class OperationError extends TsociError {
  override name = 'OperationError';
  readonly operation: Operation;
  /** How many operations of its program were executed before it. Negative: it is of a program that was left for `later`. */
  readonly executed: number;
  /** The kernel's answer. */
  readonly answer: number;
  /** The results of those operations. */
  readonly results: Results;

  constructor(operation: Operation, executed: number, errno: number, results: Results) {
    const { message, hint } = TsociError.fromErrno(operation.doing, errno, operation.hint?.(errno));
    // An operation that was left for `later` has no errno: a caller that expects some errno from its own program must not
    // take this failure for it.
    const { doing: step, property } = operation;
    super(message, { errno: executed < 0 ? undefined : errno, property, step, hint });
    this.answer = errno;
    this.operation = operation;
    this.executed = executed;
    this.results = results;
  }
}

/**
 * Whether openat2(2) was disturbed: by a rename or a mount anywhere on the machine while it went through `..` (EAGAIN).
 * Nothing was opened, and the program stopped there: it can go on from the same operation.
 */
export function isDisturbed(error: unknown): error is OperationError {
  if (!(error instanceof OperationError) || error.answer !== EAGAIN) return false;
  return error.operation.call === 'openat2' && error.operation.ignored.length === 0;
}

export class Results {
  readonly #results: number[] = [];
  /** What came back, and where in it are the bytes of the arguments. */
  readonly #replies: { reply: Buffer; offsets: ReadonlyMap<Uint8Array, number> }[] = [];
  /** How many operations come before those of the program. */
  readonly #skipped: number;

  constructor(skipped = 0) {
    this.#skipped = skipped;
  }

  /** The result of the operation that Program.call numbered so: a value, or -errno of one allowed to fail. */
  at(index: number): number {
    const result = this.#results[this.#skipped + index];
    if (result === undefined) throw new TsociError(`operation ${index} was not executed`);
    return result;
  }

  /** The bytes of a buffer that was an argument, as the calls left them. */
  bytes(argument: Uint8Array): Buffer {
    // An operation that was executed once more has left its bytes in the last reply.
    const last = this.#replies.findLast(({ offsets }) => offsets.has(argument));
    const offset = last?.offsets.get(argument);
    if (last === undefined || offset === undefined)
      throw new TsociError('these bytes were no argument of the program');
    if (offset + argument.length > last.reply.length) throw cutOff(last.reply);
    return last.reply.subarray(offset, offset + argument.length);
  }

  /** Forgets the failure of an operation that is to be executed once more. The result: how many were executed before it. */
  retract({ executed }: OperationError): number {
    this.#results.length = this.#skipped + executed;
    return this.#results.length;
  }

  /** Takes in a reply, keeps account of descriptors, and throws the first error that was no allowed one. */
  add(
    operations: readonly Operation[],
    reply: Buffer,
    offsets: ReadonlyMap<Uint8Array, number>,
    descriptors: DescriptorTable,
  ): void {
    const before = this.#results.length - this.#skipped;
    this.#replies.push({ reply, offsets });
    let failure: OperationError | undefined;
    // Not entries(): there are thousands, and it makes two objects for each of them.
    for (let index = 0; index < operations.length; index++) {
      const operation = operations[index];
      if (operation === undefined) break;
      const result = resultAt(reply, index);
      this.#results.push(result);
      const failed = isError(result) && !operation.ignored.includes(-result);
      if (operation.opens !== undefined && result >= MOST_DESCRIPTORS)
        throw new TsociError(`${operation.doing}: a reply tells of descriptor ${result}`);
      if (!isError(result)) descriptors.apply(operation, operation.opens === undefined ? undefined : result);
      if (failed) failure ??= new OperationError(operation, before + index, -result, this);
      if (stops(operation.control, result)) break;
      if (!isError(result) && typeof operation.opens === 'number' && result !== operation.opens) {
        throw new TsociError(
          `${operation.doing}: descriptor ${result} where ${operation.opens} was expected`,
        );
      }
    }
    if (failure) throw failure;
  }
}
