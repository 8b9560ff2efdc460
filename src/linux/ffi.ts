// Calls of the kernel, and of C libraries.
//
// Every argument is a machine word; a Uint8Array stands for its address, and lives until the call returns. An array whose
// address is stored in another one must live as long: pass it as one more argument, behind those that are taken.

import { type Argument, addon } from './addon.ts';

export type { Argument } from './addon.ts';

/** dlfcn.h */
const RTLD_NOW = 2;

/** syscall(2): the result, or -errno. Results above 2^53 do not occur for the calls that tsoci makes. */
export function syscall(number: number, ...args: Argument[]): number {
  return addon().syscall(number, ...args);
}

/** The address of a buffer, to store in a structure. The buffer must outlive its use. */
export function addressOf(buffer: Uint8Array): bigint {
  return addon().address(buffer);
}

/** A NUL-terminated string for a call. */
export function cString(text: string): Uint8Array {
  return Buffer.from(`${text}\0`, 'utf8');
}

/** A shared library, as its functions. */
export interface Library {
  /** A function that returns an int. */
  int(name: string): (...args: Argument[]) => number;
  /** A function that returns a pointer. */
  pointer(name: string): (...args: Argument[]) => number;
}

/** dlopen(3). Without a path: the C library, and whatever else the process has loaded. */
export function openLibrary(path?: string): Library {
  const { dlopen, dlsym, callInt, callPointer } = addon();
  const library = callPointer(dlopen, path === undefined ? null : cString(path), RTLD_NOW);
  if (library === 0) throw new Error(lastError());
  const find = (name: string) => {
    const address = callPointer(dlsym, library, cString(name));
    if (address === 0) throw new Error(lastError());
    return address;
  };
  return {
    int: (name) => {
      const address = find(name);
      return (...args) => callInt(address, ...args);
    },
    pointer: (name) => {
      const address = find(name);
      return (...args) => callPointer(address, ...args);
    },
  };
}

/** Why the last call of dlopen(3) or dlsym(3) failed. */
function lastError(): string {
  const { callPointer, dlerror, string } = addon();
  return string(callPointer(dlerror));
}

/** A NUL-terminated string of our own memory. */
export function readString(address: number): string {
  return addon().string(address);
}

/** A copy of our own memory. */
export function readBytes(address: number, length: number): Buffer {
  return addon().bytes(address, length);
}
