// The size of a page of memory (getconf(1): PAGESIZE).

import { readFileSync } from 'node:fs';

/** elf.h: the entry of the auxiliary vector. */
const AT_PAGESZ = 6n;
/** Bytes of an entry: its type and its value. */
const ENTRY = 16;

let known: number | undefined = process.arch === 'x64' ? 4096 : undefined;

/** In bytes: 4096 on x86-64; 4096, 16384 or 65536 on arm64, as the kernel was built. */
export function pageSize(): number {
  known ??= pageSizeIn(readFileSync('/proc/self/auxv'));
  return known;
}

/** The page size that an auxiliary vector tells (getauxval(3)). */
export function pageSizeIn(auxv: Buffer): number {
  for (let at = 0; at + ENTRY <= auxv.length; at += ENTRY)
    if (auxv.readBigUInt64LE(at) === AT_PAGESZ) return Number(auxv.readBigUInt64LE(at + ENTRY / 2));
  throw new Error('/proc/self/auxv does not tell the page size');
}
