// A stub that waits for long gives back the memory that earlier programs have touched.

import { MADV_DONTNEED } from '../linux/constants.ts';
import { pageSize } from '../linux/page-size.ts';
import { BUFFER_ADDRESS, BUFFER_SIZE, encode } from './encode.ts';
import type { Program } from './program.ts';

/**
 * Adds a call that frees what lies behind the program in the stub's buffer. How long the program is shows only in the end:
 * then the result is to be called. Where a page is as large as the buffer, nothing is freed.
 */
export function releaseRest(program: Program, page = pageSize()): () => void {
  const doing = 'give back memory that is used no more';
  const index = program.call('madvise', [BUFFER_ADDRESS, 0, MADV_DONTNEED], doing);
  return () => {
    const operation = program.operations[index];
    const { length } = encode(program.operations).message;
    const used = Math.ceil(length / page) * page;
    if (!operation || used >= BUFFER_SIZE) return;
    const args = [BUFFER_ADDRESS + used, BUFFER_SIZE - used, MADV_DONTNEED];
    program.operations[index] = { ...operation, args };
  };
}
