// Loads the addon (addon/addon.c) without require(): path look-ups cost more than the load itself.
//
// scripts/build.ts puts it beside the executable. It is made without a C library, so that it serves glibc and musl, Node
// and Bun.

import { dirname, join } from 'node:path';
import { builtVersion } from './build.ts';
import { TsociError } from './errors.ts';

/** A machine word: null is 0, an array stands for the address of its bytes. */
export type Argument = number | bigint | Uint8Array | null;

/** addon.c has the details. */
export interface Addon {
  syscall(number: number, ...words: Argument[]): number;
  callInt(address: number, ...words: Argument[]): number;
  callPointer(address: number, ...words: Argument[]): number;
  address(buffer: Uint8Array): bigint;
  string(address: number): string;
  bytes(address: number, length: number): Buffer;
  /** Addresses of the C library's functions. */
  dlopen: number;
  dlsym: number;
  dlerror: number;
}

let loaded: Addon | undefined;

/** The addon, loaded at the first call. */
export function addon(): Addon {
  loaded ??= load();
  return loaded;
}

function load(): Addon {
  const path = builtVersion
    ? join(dirname(process.execPath), 'tsoci.node')
    : join(import.meta.dirname, 'addon', `${process.arch}.node`);
  const module = { exports: {} };
  try {
    process.dlopen(module, path);
  } catch (error) {
    throw TsociError.from(`load ${path}`, error, builtVersion && 'it is installed together with tsoci');
  }
  return module.exports as Addon;
}
