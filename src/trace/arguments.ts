// How an argument is shown, by what it is. What a call only writes is shown after it, from the reply.

import { AT_FDCWD } from '../linux/constants.ts';
import { numbersIn } from '../security/capabilities.ts';
import { constant, fileMode, flags, openMode } from './flag-names.ts';
import type { Memory } from './stub-memory.ts';

/** A call as it was sent and, once there is a reply, as it came back. */
export interface Call {
  readonly args: readonly bigint[];
  readonly before: Memory;
  readonly after: Memory | undefined;
  /** The result; undefined where it is not known, or not known yet. */
  readonly result: number | undefined;
}

/** Shows an argument; `i` is its place among the arguments. */
export type Show = (value: bigint, call: Call, i: number) => string;

/** Bytes of a string that are shown. */
const LONGEST = 64;

export const number = (value: bigint): string => String(BigInt.asIntN(64, value));
export const int = (value: bigint): string => String(BigInt.asIntN(32, value));
export const hex = (value: bigint): string => (value === 0n ? '0' : `0x${value.toString(16)}`);
export const octal = (value: bigint): string => `0${value.toString(8)}`;
export const directory: Show = (value) =>
  BigInt.asIntN(32, value) === BigInt(AT_FDCWD) ? 'AT_FDCWD' : String(BigInt.asIntN(32, value));
export const mode: Show = (value) => fileMode(value);
export const access: Show = (value) => openMode(value);
export const device: Show = (value) =>
  `makedev(${((value >> 8n) & 0xfffn).toString()}, ${((value & 0xffn) | ((value >> 12n) & 0xfff00n)).toString()})`;

export const bits =
  (names: Parameters<typeof flags>[1]): Show =>
  (value) =>
    flags(value, names);

export const one =
  (names: Parameters<typeof constant>[1]): Show =>
  (value) =>
    constant(value, names);

export const string: Show = (value, { before }) => {
  if (value === 0n) return 'NULL';
  const text = before.string(value);
  return text === undefined ? hex(value) : quoted(Buffer.from(text));
};

/** Bytes whose number is the next argument. */
export const bytes: Show = (value, { args, before }, i) => {
  const found = before.read(value, Number(args[i + 1] ?? 0n));
  return found ? quoted(found) : hex(value);
};

/** What a call wrote, as many bytes as its result says. */
export const written: Show = (value, { after, result }) => {
  const found = result !== undefined && result >= 0 ? after?.read(value, result) : undefined;
  return found ? quoted(found) : hex(value);
};

/** A null-terminated array of strings: argv. */
export const strings: Show = (value, { before }) => {
  const shown = pointers(value, before).map((pointer) => quoted(Buffer.from(before.string(pointer) ?? '?')));
  return `[${shown.join(', ')}]`;
};

/** The environment may hold secrets: how many variables there are. */
export const environment: Show = (value, { before }) => {
  const count = pointers(value, before).length;
  return `${hex(value)} /* ${count} ${count === 1 ? 'variable' : 'variables'} */`;
};

function pointers(array: bigint, memory: Memory): bigint[] {
  const found: bigint[] = [];
  for (let at = array; ; at += 8n) {
    const pointer = memory.word(at);
    if (!pointer) return found;
    found.push(pointer);
  }
}

/** Group ids; their number is the argument before. */
export const groups: Show = (value, { args, before }, i) => {
  const count = Number(args[i - 1] ?? 0n);
  const found = before.read(value, count * 4);
  if (count === 0 || !found) return value === 0n ? 'NULL' : '[]';
  return `[${Array.from({ length: count }, (_, at) => found.readUInt32LE(at * 4)).join(', ')}]`;
};

/** The numbers of CPUs, such as [0-3 7], in a mask whose size is the argument before (sched_setaffinity(2)). */
export const cpus: Show = (value, { args, before }, i) => {
  const found = before.read(value, Number(args[i - 1] ?? 0n));
  return found ? `[${ranges(numbersIn(maskIn(found))).join(' ')}]` : hex(value);
};

function ranges(ascending: readonly number[]): string[] {
  const firsts = ascending.filter((id, i) => id - 1 !== ascending[i - 1]);
  const lasts = ascending.filter((id, i) => id + 1 !== ascending[i + 1]);
  return firsts.map((first, i) => (first === lasts[i] ? `${first}` : `${first}-${lasts[i]}`));
}

/** A mask of memory nodes; the argument after counts its bits and one more (set_mempolicy(2)). */
export const nodes: Show = (value, { args, before }, i) => {
  if (value === 0n) return 'NULL';
  const found = before.read(value, Math.ceil((Number(args[i + 1] ?? 0n) - 1) / 8));
  return found ? `[${hex(maskIn(found))}]` : hex(value);
};

/** Little-endian, as the kernel has masks. */
function maskIn(found: Buffer): bigint {
  return BigInt(`0x0${Buffer.from(found).reverse().toString('hex')}`);
}

const escapes: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t', '"': '\\"', '\\': '\\\\' };

/** As in C, at most LONGEST bytes. */
export function quoted(text: Buffer): string {
  const shown = text.subarray(0, LONGEST).toString('latin1');
  const escaped = [...shown].map((character) => {
    const code = character.charCodeAt(0);
    const known = escapes[character];
    return known ?? (code >= 0x20 && code < 0x7f ? character : `\\x${code.toString(16).padStart(2, '0')}`);
  });
  return `"${escaped.join('')}"${text.length > LONGEST ? '...' : ''}`;
}
