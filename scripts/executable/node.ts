// The Node that the executable is made of, and how it runs there.

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';

/** The repository. */
export const root = join(import.meta.dirname, '..', '..');

/** The Node that npm installed for this machine. */
export const node = join(root, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node');

/**
 * Options that make Node start faster (measured: 5 % for an empty program). Beware of V8's own options: with most of
 * them it rejects the bytecode that Node has embedded of itself, and so starts slower.
 */
export const nodeOptions = [
  // No thread that waits for SIGUSR1 to start a debugger; the signal is a container's.
  '--disable-sigusr1',
  '--v8-pool-size=1',
  // MiB. What a command allocates fits in: otherwise `run` collects garbage three times.
  '--min-semi-space-size=4',
];

/** Node without its symbols: a quarter less to store and to read at the first start. Kept between builds. */
export function strippedNode(work: string): string {
  const stripped = join(work, `node-${process.version}`);
  if (existsSync(stripped)) return stripped;
  const next = `${stripped}.next`;
  copyFileSync(node, next);
  const { status } = spawnSync('strip', [next], { stdio: 'inherit' });
  if (status !== 0) console.warn('strip (Debian: binutils) did not run: the executable will be larger');
  renameSync(next, stripped);
  return stripped;
}
