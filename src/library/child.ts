// A process in a container that a command of tsoci stays with: create --wait, or exec.

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { ended, type Stdio, start, type Tsoci } from './command-line.ts';
import { type Exit, exitOf } from './exit.ts';
import { failureOf, readLog, tell } from './json-log.ts';
import { type Pipes, pipesOf } from './streams.ts';
import { systemError, TsociError } from './tsoci-error.ts';

export interface Attended {
  readonly child: ChildProcess;
  readonly pipes: Pipes;
  /** Rejects with a TsociError when tsoci has failed. */
  readonly exited: Promise<Exit>;
}

/** Where a command leaves what it tells: a prefix of the names of files. */
export interface Place {
  readonly directory: string;
  readonly name: string;
}

/**
 * Starts a command, and waits until its process is there, of which the executable tells by a message (--pidfd-socket).
 * What the abort of a signal should do is up to the caller: `begun` is told of the command at once.
 */
export async function attend(
  tsoci: Tsoci,
  { directory, name }: Place,
  stdio: Stdio,
  words: (pidfdSocket: string) => readonly string[],
  begun: (child: ChildProcess) => void,
): Promise<Attended> {
  const [socket, log] = [join(directory, `${name}.sock`), join(directory, `${name}.log`)];
  const told = Promise.withResolvers<void>();
  const server = createServer((connection) => {
    connection.on('error', () => {});
    connection.once('data', () => told.resolve());
  });
  try {
    await once(server.listen(socket), 'listening').catch((error: unknown) => {
      throw systemError('listen on', socket, error, 'the path of a socket has at most 107 bytes');
    });
    const command = words(socket);
    const child = start(tsoci, log, command, stdio);
    const pipes = pipesOf(child);
    begun(child);
    const exited = exitOfCommand(tsoci, child, log, command[0] ?? '');
    // It may be that nobody waits.
    exited.catch(() => {});
    await Promise.race([told.promise, exited]);
    return { child, pipes, exited };
  } finally {
    server.close();
  }
}

async function exitOfCommand(tsoci: Tsoci, child: ChildProcess, log: string, command: string): Promise<Exit> {
  const [status, signal] = await ended(tsoci, child);
  const lines = readLog(await readFile(log, 'utf8').catch(() => ''));
  await rm(log, { force: true });
  tell(lines, tsoci.log);
  if (lines.some(({ level }) => level === 'error')) throw failureOf(command, lines, '');
  if (status === null) throw new TsociError(`tsoci itself was killed by ${signal}`, { command });
  const reason = lines.findLast(({ msg }) => / killed by /.test(msg))?.msg;
  return exitOf(status, reason);
}
