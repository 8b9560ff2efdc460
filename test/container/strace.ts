// Commands under strace(1), which makes system calls of theirs fail, or kills who makes them.

import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Sandbox, TIMEOUT, tsociPath } from './harness.ts';

/** Why there is none. */
export const missingStrace: string | undefined =
  spawnSync('strace', ['-V']).status === 0 ? undefined : 'needs strace, which makes system calls fail';

export interface Straced {
  status: number | null;
  /** What was said on standard error. */
  stderr: string;
  /** Whether it did not end by itself, and was killed. */
  waited: boolean;
  /** Milliseconds that it took. */
  duration: number;
  /** What strace has shown by now, also of what lives on: each line is of one process, `PID call(…`. */
  trace: () => string;
}

/** A command of a sandbox, with all its processes, under strace with these options. */
export function underStrace(
  box: Sandbox,
  options: readonly string[],
  args: readonly string[],
  timeout = TIMEOUT,
): Straced {
  const log = join(box.directory, 'strace');
  const output = join(box.directory, 'stderr');
  rmSync(log, { force: true });
  // Not a pipe, which whoever lives on would hold open.
  const stderr = openSync(output, 'w');
  const from = performance.now();
  try {
    // -D: the command is our child, and not strace, which stays as long as a container that the command leaves.
    const words = ['-D', '-qq', '-f', '-o', log, ...options, tsociPath, '--root', box.root, ...args];
    const { status, error } = spawnSync('strace', words, {
      cwd: box.bundle,
      stdio: ['ignore', 'ignore', stderr],
      timeout,
      killSignal: 'SIGKILL',
    });
    return {
      status,
      stderr: readFileSync(output, 'utf8'),
      waited: error !== undefined,
      duration: performance.now() - from,
      trace: () => (existsSync(log) ? readFileSync(log, 'utf8') : ''),
    };
  } finally {
    closeSync(stderr);
  }
}
