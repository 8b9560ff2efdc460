// Commands in the foreground, watched while they run.

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { patience } from '../patience.ts';
import { type Sandbox, TIMEOUT, tsociPath } from './harness.ts';

/** A command of the sandbox. */
export function start(box: Sandbox, stdio: StdioOptions, ...args: string[]): ChildProcess {
  const options = { cwd: box.bundle, stdio, timeout: TIMEOUT, killSignal: 'SIGKILL' } as const;
  return spawn(tsociPath, ['--root', box.root, ...args], options);
}

/** The exit status, once it has ended. */
export async function status(child: ChildProcess): Promise<number | null> {
  return (await once(child, 'exit'))[0];
}

/** What a process writes, as far as it has come. */
export function collect(stream: NodeJS.ReadableStream | null): { text: string } {
  const collected = { text: '' };
  stream?.on('data', (data: Buffer) => {
    collected.text += data.toString();
  });
  return collected;
}

export async function comes(what: string, condition: () => boolean): Promise<void> {
  const end = Date.now() + patience(10_000);
  while (!condition()) {
    if (Date.now() > end) throw new Error(`it did not come to: ${what}`);
    await sleep(10);
  }
}
