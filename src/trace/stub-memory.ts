// The memory of a stub as far as a program's message and its data show it.

import { BUFFER_ADDRESS, HEAP_ADDRESS } from '../stub/encode.ts';

/** A piece of memory. */
export interface Segment {
  readonly address: number;
  readonly bytes: Buffer;
}

export class Memory {
  readonly #segments: readonly Segment[];

  constructor(segments: readonly Segment[]) {
    this.#segments = segments;
  }

  /** `length` bytes at an address, fewer where the piece ends; undefined: it is not known. */
  read(address: bigint, length: number): Buffer | undefined {
    const at = Number(address);
    for (const segment of this.#segments) {
      const offset = at - segment.address;
      if (offset >= 0 && offset < segment.bytes.length)
        return segment.bytes.subarray(offset, offset + length);
    }
    return undefined;
  }

  /** A NUL-terminated string. */
  string(address: bigint): string | undefined {
    const rest = this.read(address, Number.MAX_SAFE_INTEGER);
    const end = rest?.indexOf(0) ?? -1;
    return end < 0 ? undefined : rest?.toString('utf8', 0, end);
  }

  word(address: bigint): bigint | undefined {
    const bytes = this.read(address, 8);
    return bytes?.length === 8 ? bytes.readBigUInt64LE() : undefined;
  }
}

/** Of a stub that has a message in its buffer, and data that did not fit there in its heap. */
export function memoryOf(message: Buffer, heap: Buffer | undefined): Memory {
  return new Memory([
    { address: BUFFER_ADDRESS, bytes: message },
    ...(heap ? [{ address: HEAP_ADDRESS, bytes: heap }] : []),
  ]);
}
