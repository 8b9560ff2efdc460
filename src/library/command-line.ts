// The executable, with what all of its commands have in common.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { failureOf, type LogEntry, readLog, tell } from './json-log.ts';
import { systemError } from './tsoci-error.ts';

/** What to execute, and how. */
export interface Tsoci {
  readonly executable: string;
  /** Options that stand before the command. */
  readonly globals: readonly string[];
  /** Where what a container needs is put: its config.json, sockets, logs. */
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  readonly log: ((entry: LogEntry) => void) | undefined;
}

/** One of a process's standard streams: a pipe to us, nothing, ours, or a descriptor of ours. */
export type StdioOption = 'pipe' | 'ignore' | 'inherit' | number;

/** The standard streams of a process. */
export interface Stdio {
  /** Unless given, `ignore`. */
  readonly stdin?: StdioOption;
  /** Unless given, `pipe`. What is not read holds up who writes. */
  readonly stdout?: StdioOption;
  /** Unless given, `pipe`. */
  readonly stderr?: StdioOption;
}

/** Starts a command whose standard streams are those of a container's process, so that its log is a file. */
export function start(tsoci: Tsoci, logFile: string, words: readonly string[], stdio: Stdio): ChildProcess {
  const log = [`--log=${logFile}`, '--log-format=json'];
  const { stdin = 'ignore', stdout = 'pipe', stderr = 'pipe' } = stdio;
  const { executable, globals, env } = tsoci;
  const child = spawn(executable, [...globals, ...log, ...words], { env, stdio: [stdin, stdout, stderr] });
  // A container that does not read must not end the program that writes. Who pipes into the stream is still told.
  child.stdin?.on('error', () => {});
  return child;
}

/** Executes a command; what it prints. `words` begin with its name. */
export async function command(tsoci: Tsoci, words: readonly string[], input?: string): Promise<string> {
  const child = spawnCommand(tsoci, words, input === undefined ? 'ignore' : 'pipe');
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  const [[status, signal], stdout] = await Promise.all([
    ended(tsoci, child),
    child.stdout ? text(child.stdout) : '',
    child.log,
  ]);
  await settle(tsoci, words, child, status, signal);
  return stdout;
}

/** Executes a command that prints a line now and then, and yields them as they come. Who stops reading ends it. */
export async function* lines(
  tsoci: Tsoci,
  words: readonly string[],
): AsyncGenerator<string, void, undefined> {
  const child = spawnCommand(tsoci, words, 'ignore');
  const end = ended(tsoci, child);
  end.catch(() => {});
  try {
    let rest = '';
    for await (const chunk of child.stdout ?? []) {
      const parts = `${rest}${chunk}`.split('\n');
      rest = parts.pop() ?? '';
      yield* parts;
    }
    const [status, signal] = await end;
    await settle(tsoci, words, child, status, signal);
  } finally {
    child.kill();
  }
}

type Ended = readonly [status: number | null, signal: NodeJS.Signals | null];
type Logging = ChildProcess & { log: Promise<string> };

function spawnCommand(
  { executable, globals, env }: Tsoci,
  words: readonly string[],
  stdin: 'ignore' | 'pipe',
): Logging {
  const child = spawn(executable, [...globals, '--log-format=json', ...words], {
    env,
    stdio: [stdin, 'pipe', 'pipe'],
  });
  child.stdout?.setEncoding('utf8');
  return Object.assign(child, { log: child.stderr ? text(child.stderr) : Promise.resolve('') });
}

/** How a command has ended; an error when it could not be executed. */
export async function ended({ executable }: Tsoci, child: ChildProcess): Promise<Ended> {
  try {
    const [status, signal] = await once(child, 'exit');
    return [status, signal];
  } catch (error) {
    throw systemError(
      'execute',
      executable,
      error,
      'is tsoci installed? name it: new Runtime({ executable })',
    );
  }
}

async function settle(
  tsoci: Tsoci,
  words: readonly string[],
  child: Logging,
  ...[status, signal]: Ended
): Promise<void> {
  const log = readLog(await child.log);
  tell(log, tsoci.log);
  if (status !== 0) throw failureOf(words[0] ?? 'tsoci', log, `${signal ?? `exit status ${status}`}`);
}
