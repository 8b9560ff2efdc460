// Finds and loads koffi's native addon without require(): path look-ups cost more than the load itself.
//
// scripts/build.ts puts the addon beside the executable, so that nothing is written at run time. Unbuilt, it is loaded
// from node_modules.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { LibraryHandle } from 'koffi';
import { builtVersion } from './build.ts';
import { TsociError } from './errors.ts';

/** The part of koffi that tsoci uses. */
export interface Koffi {
  load(path: string | null): LibraryHandle;
  address(value: Uint8Array): bigint;
  errno(): number;
}

let loaded: Koffi | undefined;

/** koffi, loaded at the first call. */
export function koffi(): Koffi {
  loaded ??= builtVersion ? loadFromBeside() : loadFromModules();
  return loaded;
}

function loadFromBeside(): Koffi {
  const path = join(dirname(process.execPath), 'koffi.node');
  try {
    return dlopen(path);
  } catch (error) {
    throw TsociError.from(`load ${path}`, error, 'it is installed together with tsoci');
  }
}

function loadFromModules(): Koffi {
  const platform = `linux_${process.arch}`;
  const relative = join('node_modules', '@koromix', `koffi-linux-${process.arch}`, platform, 'koffi.node');
  for (let directory = import.meta.dirname; ; directory = dirname(directory)) {
    const path = join(directory, relative);
    if (existsSync(path)) return dlopen(path);
    if (directory === dirname(directory))
      throw new TsociError(`load koffi: ${relative} not found; run npm ci`);
  }
}

function dlopen(path: string): Koffi {
  const module = { exports: {} };
  process.dlopen(module, path);
  return module.exports as Koffi;
}
