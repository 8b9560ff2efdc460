// A command among others that run at the same time.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type Sandbox, TIMEOUT, tsociPath } from '../container/harness.ts';

export interface Ended {
  /** Null: a signal has ended it. */
  status: number | null;
  signal: NodeJS.Signals | null;
  stderr: string;
}

let count = 0;

/** Runs a command to its end. What it starts may live on: nobody waits for that to let go of its output. */
export async function command(
  box: Sandbox,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  const output = join(box.directory, `stderr-${count++}`);
  const stderr = openSync(output, 'w');
  const child = spawn(tsociPath, ['--root', box.root, ...args], {
    cwd: box.directory,
    stdio: ['ignore', 'ignore', stderr],
    env: { ...process.env, ...environment },
    timeout: TIMEOUT,
    killSignal: 'SIGKILL',
  });
  closeSync(stderr);
  const [status, signal] = await once(child, 'exit');
  const ended = { status, signal, stderr: readFileSync(output, 'utf8') };
  unlinkSync(output);
  return ended;
}
