// Another process in a container (tsoci exec).

import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Attended, attend } from './child.ts';
import type { Stdio, Tsoci } from './command-line.ts';
import type { Exit } from './exit.ts';
import { makeDirectory } from './owner.ts';
import { type Pipes, piped } from './streams.ts';

/** How another process is executed. What is left open is as in the configuration of the container. */
export interface ExecOptions extends Stdio {
  /** Variables of its environment, beside those of the container. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly user?: { readonly uid: number; readonly gid?: number };
  /** Capabilities to add: `CAP_NET_RAW`. */
  readonly capabilities?: readonly string[];
  /** Its abort kills the process. */
  readonly signal?: AbortSignal;
}

/** How often it is looked whether a process that is to be killed is there yet, in milliseconds. */
const LOOK = 10;

/** A process that was executed in a container. */
export class ContainerProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #pipes: Pipes;
  readonly #exited: Promise<Exit>;
  readonly #pidFile: string;

  private constructor({ child, pipes, exited }: Attended, pidFile: string) {
    this.#child = child;
    this.#pipes = pipes;
    this.#exited = exited;
    this.#pidFile = pidFile;
  }

  /** @internal */
  static async execute(
    tsoci: Tsoci,
    id: string,
    args: readonly string[],
    options: ExecOptions,
  ): Promise<ContainerProcess> {
    options.signal?.throwIfAborted();
    const directory = await makeDirectory(tsoci.directory);
    const pidFile = join(directory, 'pid');
    const over = new AbortController();
    const forget = async () => {
      over.abort();
      await rm(directory, { recursive: true, force: true });
    };
    try {
      const attended = await attend(
        tsoci,
        { directory, name: 'exec' },
        options,
        (socket) => [
          ...['exec', ...wordsOf(options), `--pid-file=${pidFile}`, `--pidfd-socket=${socket}`],
          ...['--', id, '--', ...args],
        ],
        (child) => onAbort(options.signal, over.signal, () => void end(child, pidFile)),
      );
      const exited = attended.exited.finally(forget).then((exit) => {
        options.signal?.throwIfAborted();
        return exit;
      });
      // It may be that nobody waits.
      exited.catch(() => {});
      return new ContainerProcess({ ...attended, exited }, pidFile);
    } catch (error) {
      await forget();
      options.signal?.throwIfAborted();
      throw error;
    }
  }

  /** What it reads. Throws unless it is a pipe. */
  get stdin(): Writable {
    return piped(this.#pipes.stdin, 'stdin');
  }

  /** What it writes. Throws unless it is a pipe. */
  get stdout(): Readable {
    return piped(this.#pipes.stdout, 'stdout');
  }

  /** What it writes to standard error. Throws unless it is a pipe. */
  get stderr(): Readable {
    return piped(this.#pipes.stderr, 'stderr');
  }

  /** Its end. An abort kills it; the promise rejects with the reason once it is gone. */
  async wait(options: { signal?: AbortSignal } = {}): Promise<Exit> {
    const { signal } = options;
    signal?.throwIfAborted();
    const done = new AbortController();
    onAbort(signal, done.signal, () => void end(this.#child, this.#pidFile));
    try {
      const exit = await this.#exited;
      signal?.throwIfAborted();
      return exit;
    } finally {
      done.abort();
    }
  }

  /** Sends it a signal. No error if it has ended. */
  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    // tsoci passes on what it can catch.
    if (signal === 'SIGKILL' || signal === 'SIGSTOP') killByPid(this.#child, this.#pidFile, signal);
    else this.#child.kill(signal);
  }

  /** Kills it if it has not ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#child, this.#pidFile);
    await this.#exited.catch(() => {});
  }
}

function wordsOf({ env = {}, cwd, user, capabilities = [] }: ExecOptions): string[] {
  return [
    ...Object.entries(env).map(([name, value]) => `--env=${name}=${value}`),
    ...(cwd === undefined ? [] : [`--cwd=${cwd}`]),
    ...(user === undefined
      ? []
      : [`--user=${[user.uid, user.gid].filter((id) => id !== undefined).join(':')}`]),
    ...capabilities.map((name) => `--cap=${name}`),
  ];
}

/** Calls `act` when the first is aborted before the second. */
export function onAbort(signal: AbortSignal | undefined, until: AbortSignal, act: () => void): void {
  if (signal?.aborted) act();
  else signal?.addEventListener('abort', act, { once: true, signal: until });
}

/**
 * Ends a command and its process. SIGTERM ends a tsoci that has not started the process yet, and goes on to the process if it
 * has; then there is a pid file, and the process is killed by its pid.
 */
async function end(child: ChildProcess, pidFile: string): Promise<void> {
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
  if (!hasEnded()) child.kill('SIGTERM');
  for (; !hasEnded(); await sleep(LOOK)) killByPid(child, pidFile, 'SIGKILL');
}

/** The pid is that of the process as long as tsoci, its parent, has not ended. */
function killByPid(child: ChildProcess, pidFile: string, signal: NodeJS.Signals): void {
  if (child.exitCode !== null || child.signalCode !== null || !existsSync(pidFile)) return;
  try {
    process.kill(Number(readFileSync(pidFile, 'utf8')), signal);
  } catch {
    // It has ended meanwhile.
  }
}
