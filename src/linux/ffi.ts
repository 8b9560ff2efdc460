// Calls into the C library: one generic system call, and the few library functions that have no system call.
//
// Every argument travels as a 64-bit integer; a Uint8Array stands for its address. The caller keeps the array alive
// until the call returns, which a synchronous call does by itself.

import { koffi } from './koffi.ts';

export type Argument = number | bigint | Uint8Array | null;

type Words = (...words: (number | bigint)[]) => number | bigint;

const functions = new Map<string, Words>();

function bind(name: string, result: string, count: number): Words {
  const key = `${name}/${count}`;
  let bound = functions.get(key);
  if (!bound) {
    bound = koffi().load(null).func(name, result, new Array<string>(count).fill('intptr_t')) as Words;
    functions.set(key, bound);
  }
  return bound;
}

function word(argument: Argument): number | bigint {
  if (argument === null) return 0;
  return argument instanceof Uint8Array ? koffi().address(argument) : argument;
}

/**
 * syscall(2): the result, or -errno. Results above 2^53 do not occur for the calls that tsoci makes.
 */
export function syscall(number: number, ...args: Argument[]): number {
  const call = bind('syscall', 'intptr_t', 7);
  const words: (number | bigint)[] = [number, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < args.length; i++) words[i + 1] = word(args[i] ?? null);
  const result = Number(call(...words));
  return result === -1 ? -koffi().errno() : result;
}

/** A C library function that answers with an int: that int, with errno left to the caller's knowledge of it. */
export function libc(name: string, ...args: Argument[]): number {
  return Number(bind(name, 'int', args.length)(...args.map(word)));
}

/** The address of a buffer, to store in a structure. The buffer must outlive its use. */
export function addressOf(buffer: Uint8Array): bigint {
  return koffi().address(buffer);
}

/** A NUL-terminated string for a system call. */
export function cString(text: string): Uint8Array {
  return Buffer.from(`${text}\0`, 'utf8');
}
