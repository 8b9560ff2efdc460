// Finds and loads koffi's native addon without require(): path look-ups cost more than the load itself.
//
// In the single executable the addon is an asset; it is written to an unnamed file and loaded from there. Unbuilt,
// it is loaded from node_modules.

import { closeSync, constants, existsSync, openSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { getRawAsset, isSea } from 'node:sea';
import type { LibraryHandle } from 'koffi';
import { O_TMPFILE } from './constants.ts';
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
  loaded ??= isSea() ? leavingAtOnce(loadFromAsset()) : loadFromModules();
  return loaded;
}

/**
 * Ends the process without what Node and koffi take down at its end, 4 % of a `run`: nobody waits for any of it. Whoever
 * has something to do at the end must come before (prependOnceListener).
 */
function leavingAtOnce(koffi: Koffi): Koffi {
  process.once('exit', (code) => koffi.load(null).func('_exit', 'void', ['int'])(code));
  return koffi;
}

function loadFromAsset(): Koffi {
  const image = new Uint8Array(getRawAsset('koffi.node'));
  // An unnamed file leaves nothing behind. A directory mounted noexec refuses to map it: try the next.
  let refusal: unknown = new Error('no writable directory');
  for (const directory of ['/dev/shm', '/run', '/tmp', '/var/tmp', process.env.XDG_RUNTIME_DIR]) {
    if (!directory) continue;
    let fd: number;
    try {
      fd = openSync(directory, O_TMPFILE | constants.O_RDWR, 0o700);
    } catch (error) {
      refusal = error;
      continue;
    }
    try {
      writeSync(fd, image);
      return dlopen(`/proc/self/fd/${fd}`);
    } catch (error) {
      refusal = error;
    } finally {
      closeSync(fd);
    }
  }
  throw TsociError.from('load koffi.node from an unnamed file in /dev/shm, /run, /tmp or /var/tmp', refusal);
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
