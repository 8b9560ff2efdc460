// The layout of a program as the stub reads it (stub-x64.S).

import { TsociError } from '../linux/errors.ts';
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
export const OPERATION_SIZE = 64;
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
  const layout = new Layout(head, dataAddress ?? BUFFER_ADDRESS + head);
  // There are thousands of words, and for...of makes two objects for each of them.
  operations.forEach(({ call, args, control }, index) => {
    const at = index * OPERATION_SIZE;
    layout.write(at, call === 'set_control' ? SET_CONTROL : SYS[call]);
    for (let i = 0; i < args.length; i++) layout.write(at + ARGUMENTS_OFFSET + i * 8, args[i] ?? null);
    layout.write(at + CONTROL_OFFSET, control | (index === operations.length - 1 ? LAST : 0));
  });
  const bytes = layout.bytes();
  const message = dataAddress === undefined ? bytes : bytes.subarray(0, head);
  return { message, data: bytes.subarray(head), offsets: layout.offsets };
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
  if (at + 8 > reply.length) throw cutOff(reply);
  return reply.readInt32LE(at + 4) * 2 ** 32 + reply.readUInt32LE(at);
}

/** A stub sends all of its program back. What a process of the container does to it, nobody knows. */
export function cutOff({ length }: Buffer): TsociError {
  return new TsociError(`the reply to a program is cut off: it has ${length} bytes`);
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

/** Bytes for the data of an operation, as a guess. */
const DATA_SIZE = 64;

/**
 * Operations and the data behind them, which grow in one buffer: made of a buffer for each string and structure, a message
 * takes five times as long. The buffer is a new one, zero where nothing was written: nothing of another message is in it.
 */
class Layout {
  readonly offsets = new Map<Uint8Array, number>();
  readonly #strings = new Map<string, number>();
  /** What to add to an offset for its address in the stub. */
  readonly #base: number;
  #bytes: Uint8Array<ArrayBuffer>;
  /** The same bytes. Words of 64 bits are made of two: conversions to bigint cost a tenth of `create`. */
  #halves: Int32Array;
  #size: number;

  /** Behind `head` bytes for the operations comes data, the first at `dataAddress`. */
  constructor(head: number, dataAddress: number) {
    this.#base = dataAddress - head;
    this.#size = head;
    this.#bytes = new Uint8Array(head + (head / OPERATION_SIZE) * DATA_SIZE);
    this.#halves = new Int32Array(this.#bytes.buffer);
  }

  /** Writes a word at a multiple of 8 bytes: a number, whole and below 2^53, a bigint, or where its data is. */
  write(offset: number, word: Word): void {
    const value = typeof word === 'number' || typeof word === 'bigint' ? word : this.#address(word);
    const at = offset / 4;
    if (typeof value === 'number') {
      this.#halves[at] = value;
      this.#halves[at + 1] = Math.floor(value / 2 ** 32);
    } else {
      this.#halves[at] = Number(BigInt.asIntN(32, value));
      this.#halves[at + 1] = Number(BigInt.asIntN(32, value >> 32n));
    }
  }

  bytes(): Buffer {
    return Buffer.from(this.#bytes.buffer, 0, this.#size);
  }

  #address(data: Data | null): number {
    if (data === null) return 0;
    if (typeof data === 'string') return this.#base + this.#placeString(data);
    return this.#base + (data instanceof Structure ? this.#placeStructure(data) : this.#placeBytes(data));
  }

  #placeString(text: string): number {
    const placed = this.#strings.get(text);
    if (placed !== undefined) return placed;
    // A UTF-16 unit takes up to three bytes.
    const offset = this.#reserve(text.length * 3 + 1);
    const isAscii = this.#writeAscii(text, offset);
    const length = isAscii ? text.length : Buffer.from(this.#bytes.buffer, offset).write(text);
    this.#take(offset, length + 1);
    this.#strings.set(text, offset);
    return offset;
  }

  /** Whether it is ASCII, and written. For a path this takes less time than a call of Buffer. */
  #writeAscii(text: string, offset: number): boolean {
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return false;
      this.#bytes[offset + i] = code;
    }
    return true;
  }

  #placeStructure({ words }: Structure): number {
    const size = words.length * 8;
    const offset = this.#reserve(size);
    this.#take(offset, size);
    for (let i = 0; i < words.length; i++) this.write(offset + i * 8, words[i] ?? null);
    return offset;
  }

  #placeBytes(bytes: Uint8Array): number {
    const placed = this.offsets.get(bytes);
    if (placed !== undefined) return placed;
    const offset = this.#reserve(bytes.length);
    this.#bytes.set(bytes, offset);
    this.#take(offset, bytes.length);
    this.offsets.set(bytes, offset);
    return offset;
  }

  /** Where the next data goes, which has at most `most` bytes. */
  #reserve(most: number): number {
    const needed = this.#size + most;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array((2 * needed + 7) & ~7);
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#halves = new Int32Array(larger.buffer);
    }
    return this.#size;
  }

  #take(offset: number, length: number): void {
    this.#size = (offset + length + 7) & ~7;
  }
}
