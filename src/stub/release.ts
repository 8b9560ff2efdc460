// A stub that waits for long gives back the memory that earlier programs have touched.

import { MADV_DONTNEED } from '../linux/constants.ts';
import { BUFFER_ADDRESS, BUFFER_SIZE, encode } from './encode.ts';
import type { Program } from './program.ts';

/** No page of a system is larger on x86-64; on arm64 pages may have 64 KiB, and nothing is given back then. */
const PAGE = 4096;

/**
 * Adds a call that frees what lies behind the program in the stub's buffer. How long the program is shows only in the end:
 * then the result is to be called.
 */
export function releaseRest(program: Program): () => void {
  const doing = 'give back memory that is used no more';
  const index = program.call('madvise', [BUFFER_ADDRESS, 0, MADV_DONTNEED], doing);
  return () => {
    const operation = program.operations[index];
    const { length } = encode(program.operations).message;
    const used = Math.ceil(length / PAGE) * PAGE;
    if (!operation || used >= BUFFER_SIZE) return;
    const args = [BUFFER_ADDRESS + used, BUFFER_SIZE - used, MADV_DONTNEED];
    program.operations[index] = { ...operation, args };
  };
}
