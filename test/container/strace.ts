// Commands under strace(1), which makes system calls of theirs fail, or kills who makes them.

import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isGone } from '../launcher/server.ts';
import { eventually, type Sandbox, TIMEOUT } from './harness.ts';

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
  // -D: the command is our child, and not strace, which stays as long as a container that the command leaves.
  return behind(box, ['strace', '-D', '-qq', '-f', '-o', newLog(box), ...options], args, timeout);
}

/** A command with strace at other processes that are there, with all their threads, for as long as it lasts. */
export function withStraceAt(
  pids: readonly number[],
  box: Sandbox,
  options: readonly string[],
  args: readonly string[],
  timeout = TIMEOUT,
): Straced {
  const words = ['-qq', '-f', '-o', newLog(box), ...options, ...pids.flatMap((pid) => ['-p', String(pid)])];
  const strace = spawn('strace', words, { stdio: 'ignore' });
  try {
    eventually('strace is there', () => pids.every(isTraced));
    return behind(box, [], args, timeout);
  } finally {
    // Asked to end, it would wait for a process that is being killed, which waits for it.
    strace.kill('SIGKILL');
    eventually('strace has gone', () => isGone(strace.pid ?? 0));
  }
}

/** Whether strace is at each thread (proc_pid_status(5)). A process that ends by a fault at once has been traced. */
function isTraced(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) => {
      const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'latin1');
      return !status.includes('\nTracerPid:\t0\n');
    });
  } catch {
    return true;
  }
}

function newLog(box: Sandbox): string {
  rmSync(logOf(box), { force: true });
  return logOf(box);
}

function logOf(box: Sandbox): string {
  return join(box.directory, 'strace');
}

/** A command behind the words of another that executes it. */
function behind(box: Sandbox, words: readonly string[], args: readonly string[], timeout: number): Straced {
  const output = join(box.directory, 'stderr');
  // Not a pipe, which whoever lives on would hold open.
  const stderr = openSync(output, 'w');
  const from = performance.now();
  try {
    const [command = '', ...rest] = [...words, box.launcher, '--root', box.root, ...args];
    const { status, error } = spawnSync(command, rest, {
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
      trace: () => (existsSync(logOf(box)) ? readFileSync(logOf(box), 'utf8') : ''),
    };
  } finally {
    closeSync(stderr);
  }
}
