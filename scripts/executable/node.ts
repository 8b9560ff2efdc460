// The Node that the executable is made of, and how it runs there.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findVariable } from './elf.ts';

/** The repository. */
export const root = join(import.meta.dirname, '..', '..');

/** The Node that npm installed for this machine. */
export const node = join(root, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node');

/** Options that make a short program faster. */
export const nodeOptions = [
  // No thread that waits for SIGUSR1 to start a debugger; the signal is a container's.
  '--disable-sigusr1',
  '--v8-pool-size=1',
  // MiB. What a command allocates fits in: otherwise `run` collects garbage three times.
  '--min-semi-space-size=4',
  // Machine code would be ready when the command is done; the place for it alone is a twentieth of `run`.
  '--jitless',
  // The seed of V8's hashes is that of the build: another would cost each start a tenth of its time. What could be slowed
  // down by chosen names is the one command that is given them.
  '--no-rehash-snapshot',
];

/** Node without its symbols: a quarter less to store and to read at the first start. Kept between builds. */
export function strippedNode(work: string): string {
  const stripped = join(work, `tsoci-node-${process.version}`);
  if (existsSync(stripped)) return stripped;
  const next = `${stripped}.next`;
  writeFileSync(next, withoutDeadlockDetection(readFileSync(node)), { mode: 0o755 });
  const { status } = spawnSync('strip', [next], { stdio: 'inherit' });
  if (status !== 0) console.warn('strip (Debian: binutils) did not run: the executable will be larger');
  renameSync(next, stripped);
  return stripped;
}

/**
 * Node's abseil is built for debugging: it records in which order mutexes are locked, and makes a table of 1 MiB for it
 * at the first one, 4 % of a `run`. What it does is a variable (absl/synchronization/mutex.cc), here set to what it is
 * where NDEBUG is defined.
 */
function withoutDeadlockDetection(image: Buffer): Buffer {
  const mode = findVariable(image, 'synch_deadlock_detection');
  if (mode !== undefined && image.readInt32LE(mode) === ABORT) image.writeInt32LE(IGNORE, mode);
  else console.warn(`${node}: the variable of abseil that looks for deadlocks is not where it was`);
  return image;
}

/** absl::OnDeadlockCycle */
const IGNORE = 0;
const ABORT = 2;
