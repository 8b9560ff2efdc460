// The layout of a program as the stub reads it (stub-x64.S).

import { SYS } from '../linux/syscalls.ts';
import {
  CONTINUE_ON_ERROR,
  type Data,
  LAST,
  type Operation,
  STOP_IF_POSITIVE,
  Structure,
  type Word,
} from './program.ts';

/** Where the stub's buffer lies in its address space (stub.ld), and its size in bytes. */
export const BUFFER_ADDRESS = 0x500000;
export const BUFFER_SIZE = 0x10000;

/** Where data too large for the buffer goes: mapped when first needed. */
export const HEAP_ADDRESS = 0x10000000;

/** Bytes of an operation: the number of the call, its arguments, the control bits. */
const OPERATION_SIZE = 64;
const ARGUMENTS_OFFSET = 8;
const ARGUMENTS = 6;
const CONTROL_OFFSET = 56;

/** In place of a number: not a system call, argument 0 becomes the stub's control descriptor. */
const SET_CONTROL = -1;

/** The address of an argument of an operation, for a call that fills it in for a later one of the same program. */
export function argumentAddress(operation: number, argument: number): number {
  return BUFFER_ADDRESS + operation * OPERATION_SIZE + ARGUMENTS_OFFSET + argument * 8;
}

/** Where a piece of data lies in an encoded message. */
export interface Encoded {
  /** Operations, and the data behind them unless it is meant for another place. */
  readonly message: Buffer;
  readonly data: Buffer;
  readonly offsets: ReadonlyMap<Uint8Array, number>;
}

/** Lays out operations and their data behind them or, with `dataAddress`, at that address. */
export function encode(operations: readonly Operation[], dataAddress?: number): Encoded {
  const head = operations.length * OPERATION_SIZE;
  const layout = new Layout(dataAddress ?? BUFFER_ADDRESS + head);
  const ops = Buffer.alloc(head);
  const words = new WordWriter(ops);
  // There are thousands of words, and for...of makes two objects for each of them.
  operations.forEach(({ call, args, control }, index) => {
    const at = index * OPERATION_SIZE;
    words.write(at, call === 'set_control' ? SET_CONTROL : SYS[call]);
    args.forEach((argument, i) => {
      words.write(at + ARGUMENTS_OFFSET + i * 8, layout.word(argument));
    });
    words.write(at + CONTROL_OFFSET, control | (index === operations.length - 1 ? LAST : 0));
  });
  const data = layout.bytes();
  if (dataAddress !== undefined) return { message: ops, data, offsets: layout.offsets };
  const offsets = new Map([...layout.offsets].map(([bytes, offset]) => [bytes, offset + head]));
  return { message: Buffer.concat([ops, data]), data, offsets };
}

/** What of a program goes in one message: its first operations, `count` of them. */
export interface Part {
  readonly message: Buffer;
  readonly count: number;
  readonly offsets: ReadonlyMap<Uint8Array, number>;
}

/** As many of the operations as the stub's buffer takes, about; undefined if that is none. */
export function encodePart(operations: readonly Operation[]): Part | undefined {
  for (let count = operations.length; count >= 1; count = Math.floor(count / 2)) {
    const { message, offsets } = encode(operations.slice(0, count));
    if (message.length <= BUFFER_SIZE) return { message, count, offsets };
  }
  return undefined;
}

/** The number of the call of the operation at `index` in a message. */
export function callAt(message: Buffer, index: number): number {
  return Number(message.readBigInt64LE(index * OPERATION_SIZE));
}

export function argumentsAt(message: Buffer, index: number): bigint[] {
  const at = index * OPERATION_SIZE + ARGUMENTS_OFFSET;
  return Array.from({ length: ARGUMENTS }, (_, i) => message.readBigUInt64LE(at + i * 8));
}

/** The control bits of the operation at `index` in a message. */
export const controlAt = resultAt;

/** The result of the operation at `index` in a reply, which is where the control bits were. */
export function resultAt(reply: Buffer, index: number): number {
  const at = index * OPERATION_SIZE + CONTROL_OFFSET;
  return reply.readInt32LE(at + 4) * 2 ** 32 + reply.readUInt32LE(at);
}

export function writeResult(reply: Buffer, index: number, result: number): void {
  reply.writeBigInt64LE(BigInt(result), index * OPERATION_SIZE + CONTROL_OFFSET);
}

/** Whether a result is -errno. */
export function isError(result: number): boolean {
  return result < 0 && result >= -4095;
}

/** Whether a program stops behind an operation with this result (stub-x64.S). */
export function stops(control: number, result: number): boolean {
  return isError(result) ? !(control & CONTINUE_ON_ERROR) : result > 0 && (control & STOP_IF_POSITIVE) !== 0;
}

/** Writes 64-bit words, little-endian. Made of 32-bit ones: conversions to bigint cost a tenth of `create`. */
class WordWriter {
  readonly #halves: Int32Array;

  constructor({ buffer, byteOffset, length }: Buffer) {
    this.#halves = new Int32Array(buffer, byteOffset, length / 4);
  }

  /** A number, whole and below 2^53, or a bigint, at a multiple of 8 bytes. */
  write(offset: number, value: number | bigint): void {
    const at = offset / 4;
    if (typeof value === 'number') {
      this.#halves[at] = value;
      this.#halves[at + 1] = Math.floor(value / 2 ** 32);
    } else {
      this.#halves[at] = Number(BigInt.asIntN(32, value));
      this.#halves[at + 1] = Number(BigInt.asIntN(32, value >> 32n));
    }
  }
}

class Layout {
  readonly offsets = new Map<Uint8Array, number>();
  readonly #base: number;
  readonly #strings = new Map<string, number>();
  readonly #parts: { offset: number; bytes: Uint8Array }[] = [];
  #size = 0;

  constructor(base: number) {
    this.#base = base;
  }

  word(value: Word): number | bigint {
    if (value === null) return 0;
    if (typeof value === 'number' || typeof value === 'bigint') return value;
    return this.#base + this.#place(value);
  }

  bytes(): Buffer {
    const all = Buffer.alloc(this.#size);
    for (const { offset, bytes } of this.#parts) all.set(bytes, offset);
    return all;
  }

  #place(data: Data): number {
    if (typeof data === 'string') {
      let offset = this.#strings.get(data);
      if (offset === undefined) {
        offset = this.#append(Buffer.from(`${data}\0`, 'utf8'));
        this.#strings.set(data, offset);
      }
      return offset;
    }
    if (data instanceof Structure) {
      const bytes = Buffer.alloc(data.words.length * 8);
      const words = new WordWriter(bytes);
      data.words.forEach((word, i) => {
        words.write(i * 8, this.word(word));
      });
      return this.#append(bytes);
    }
    let offset = this.offsets.get(data);
    if (offset === undefined) {
      offset = this.#append(data);
      this.offsets.set(data, offset);
    }
    return offset;
  }

  #append(bytes: Uint8Array): number {
    const offset = this.#size;
    this.#parts.push({ offset, bytes });
    this.#size = (offset + bytes.length + 7) & ~7;
    return offset;
  }
}
